import type { Rule, RuleCategory, RuleTarget } from "./rule.ts";

/** Grows with every change of the table, so that a hit can be read against the rules that made it. */
export const RULES_VERSION = 1;

const ANY: readonly RuleTarget[] = ["path", "query", "header", "body"];
const INPUT: readonly RuleTarget[] = ["path", "query", "body"];

type Row = readonly [id: number, name: string, pattern: RegExp, options?: Partial<Rule>];

function rules(category: RuleCategory, targets: readonly RuleTarget[], rows: readonly Row[]): readonly Rule[] {
  return rows.map(([id, name, pattern, options]) => ({
    id,
    name,
    category,
    paranoia: 1,
    score: 5,
    targets,
    pattern,
    ...options,
  }));
}

export const RULES: readonly Rule[] = [
  ...rules("protocol", ANY, [
    [1001, "NUL byte", /\0/],
    [
      1002,
      "line break that begins a header",
      /[\r\n] ?(?:set-cookie|location|content-(?:type|length)|transfer-encoding|host|x-forwarded-[a-z]{1,10}) ?:/,
      { targets: ["path", "query", "header"] },
    ],
    [
      1003,
      "line break that begins a request or an answer",
      /[\r\n] ?(?:http\/\d|(?:get|post|put|delete|head|options) [^ ]{1,100} http\/)/,
      { targets: ["path", "query", "header"] },
    ],
    [1004, "line break in the address", /[\r\n]/, { targets: ["path"] }],
  ]),
  ...rules("traversal", INPUT, [
    [2001, "folder above", /(?:^|[/\\=])\.\.[/\\]/],
    [2002, "folder above, at the end", /[/\\]\.\.(?:$|;)/],
    [2003, "folder above, dots doubled", /\.{3,5}[/\\]{1,4}\.{2,5}/],
    [
      2004,
      "system file",
      /(?:^|[/\\:=])(?:etc[/\\]{1,4}(?:passwd|shadow|group|hosts|issue|sudoers|crontab|fstab)|proc[/\\]{1,4}(?:self|version|cpuinfo|\d{1,7})[/\\]?|boot\.ini|win\.ini|windows[/\\]{1,4}(?:system32|win\.ini)|winnt[/\\]|var[/\\]{1,4}(?:log|www)[/\\])/,
    ],
    [
      2005,
      "private file of a tool",
      /[/\\]\.(?:git[/\\]|gitconfig|svn[/\\]|hg[/\\]|env(?:\.|$)|ssh[/\\]|aws[/\\]|htaccess|htpasswd|ds_store|bash_history|npmrc|docker[/\\])/,
      { targets: ["path"] },
    ],
    [
      2006,
      "private file of a tool, as a value",
      /(?:^|[/\\=])(?:\.ssh[/\\](?:id_|authorized)|\.aws[/\\]credentials|\.git[/\\](?:config|head)|\.htpasswd|web-inf[/\\]|wp-config\.php)/,
    ],
  ]),
  ...rules(
    "remote-file",
    ["query", "body"],
    [
      [
        3001,
        "address of cloud metadata",
        /(?:169\.254\.169\.254|metadata\.google\.internal|100\.100\.100\.200|fd00:ec2::254|2852039166|0xa9fea9fe)/,
      ],
      [
        3002,
        "scheme that reads files or runs code",
        /(?:^|[= "'])(?:php:\/\/(?:filter|input|fd|memory)|phar:\/\/|zip:\/\/|expect:\/\/|data:text\/(?:html|php)|glob:\/\/|gopher:\/\/|dict:\/\/|ldaps?:\/\/|tftp:\/\/|jar:https?:|netdoc:)/,
      ],
      [3003, "file address", /(?:^|[= "'])file:\/{1,3}/],
      [
        3004,
        "address of this machine",
        /(?:^|[= "'])https?:\/\/(?:[^/@ ]{1,60}@)?(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|0\.0\.0\.0|0x7f[\da-f.]{0,10}|2130706433|\[(?:::1|::ffff:[\d.:a-f]{3,20}|::)\])(?:[:/ ?]|$)/,
        { targets: ["query"] },
      ],
      [
        3005,
        "remote script as a file to include",
        /https?:\/\/[^ ]{3,120}\.(?:php|txt|sh|inc)\?{1,2}$/,
        { targets: ["query"] },
      ],
      [3006, "address that embeds a trusted one", /https?:\/\/[^/ ]{1,80}@(?:\d{1,3}\.){3}\d{1,3}/, { paranoia: 2 }],
    ],
  ),
  ...rules("command", INPUT, [
    [
      4001,
      "command after a separator",
      /(?:[;|&\n]|\$\() ?(?:\/?(?:usr\/)?s?bin\/)?(?:cat|tac|ls|id|whoami|uname|pwd|wget|curl|nc|ncat|netcat|bash|sh|zsh|python\d?|perl|ruby|php|ping|nslookup|rm|chmod|chown|ps|ifconfig|ipconfig|powershell|cmd|certutil|printf|base64|xxd|printenv|nohup|telnet|tftp|busybox)(?: [-/~$.\d<>|&;a-z]|[;|&`)<>$]|\.exe|$)/,
    ],
    [
      4010,
      "command after a separator, by its arguments",
      /(?:[;|&`\n]|\$\() ?(?:\/?(?:usr\/)?s?bin\/)?(?:dig|host|kill|type|dir|net|sleep|touch|echo|env|tee|ftp|awk|sed|find|grep|head|tail|more|less|reboot|shutdown) (?:-[a-z]|\/|\$|\.{1,2}\/|\d{1,5}(?:$|[;|&])|[a-z]:|["'`])/,
    ],
    [4002, "shell function at the start of a value", /^\(\) ?\{/, { targets: ["query", "header", "body"] }],
    [4003, "shell with a command", /\b(?:bash|sh|zsh|ksh|dash) -(?:c|i)\b/],
    [4004, "connection to a shell", /\/dev\/(?:tcp|udp)\/|\bnc(?:at)? (?:-[a-z]{1,6} ){0,3}-e /],
    [
      4005,
      "windows shell",
      /\b(?:cmd(?:\.exe)? \/[ckr]|powershell(?:\.exe)? -[a-z]{1,20}|rundll32|regsvr32|mshta https?:)/,
    ],
    [4006, "download that is run", /\b(?:wget|curl) [^|;]{1,200}[|;] ?(?:bash|sh|python|perl|php|chmod)/],
    [4007, "white space by variable", /\$\{?ifs\}?/],
    [
      4008,
      "command inside a value",
      /`(?:id|whoami|uname(?: -a)?|ls -[a-z]{1,4}|cat [^`]{1,60}|sleep \d{1,4}|(?:curl|wget|ping|nslookup) [^`]{1,80})`/,
    ],
    [4009, "wildcards in place of a command", /\/(?:b[?*]n|\?[?*]{1,2}n|u\?r)\/[a-z?*]{1,12}/],
  ]),
  ...rules("xss", ANY, [
    [5001, "script element", /<ſ?[/ ]{0,3}script(?:[\s/>"'=]|$)/],
    [5002, "event handler in an element", /<[a-z!/?][^>]{0,200}?[\s/"'`]on[a-z]{3,25} ?=/],
    [
      5003,
      "script address",
      /(?:^|[="'(\s])(?:j ?a ?v ?a ?s ?c ?r ?i ?p ?t|vbscript|livescript) ?:(?! )(?=.{0,80}[(`=/])/,
    ],
    [
      5004,
      "element that runs or loads",
      /<(?:iframe|object|embed|applet|svg|math|frameset|base|meta|link|isindex|marquee|bgsound|xss|portal|template)(?:[\s/>][^>]{0,200}?(?:src|href|data|on[a-z]{3,20}|http-equiv|srcdoc|code|xlink:href) ?=|[/\s]on)/,
    ],
    [
      5005,
      "event handler that breaks out of an attribute",
      /["'`][\s/>]{0,3}(?:on(?:error|load|click|mouse[a-z]{2,5}|focus(?:in)?|blur|key[a-z]{2,5}|toggle|begin|pointer[a-z]{2,6}|animation[a-z]{3,9}|submit|change|input|wheel)) ?= ?/,
    ],
    [5006, "document in another page", /srcdoc ?= ?["']?[<&]/],
    [
      5007,
      "script in a style",
      /(?:expression ?\([^)]{0,40}(?:alert|document|window|eval)|-moz-binding ?:|behavior ?: ?url)/,
    ],
    [
      5008,
      "access of script to the page",
      /(?:document ?(?:\.|\[["']) ?(?:cookie|write(?:ln)?|domain)|window ?(?:\.|\[["']) ?(?:location|name|open) ?[=(]|localstorage ?\.|\.(?:innerhtml|outerhtml) ?=|string ?\. ?fromcharcode ?\(|eval ?\( ?(?:atob|string|location|name|unescape)|(?:set(?:timeout|interval)|function) ?\( ?["'`](?:alert|eval|document))/,
      { score: 5, targets: ["path", "query", "header"] },
    ],
    [
      5009,
      "dialog that shows that script runs",
      /(?:^|[;"'`(){}\s/=>])(?:alert|confirm|prompt) ?(?:\(|`) ?(?:\d{1,6}|document|xss|["'`/]|this|window|origin|location|1337|\))/,
      { targets: ["path", "query", "header"] },
    ],
    [
      5010,
      "element with script inside its text",
      /<[a-z][^>]{0,200}?(?:href|src|action|formaction|data|xlink:href|to|values|from) ?= ?["']? ?(?:javascript|vbscript|data:text\/html|data:image\/svg)/,
    ],
    [5011, "style or image that imports", /<style[^>]{0,60}>[^<]{0,60}(?:@import|expression|url ?\()/],
  ]),
  ...rules(
    "sql",
    ["path", "query", "header", "body"],
    [
      [6001, "union of another query", /\bunion(?: all| distinct)?[ (]{1,4}select\b/],
      [
        6002,
        "condition that is always true, after a quote",
        /["'`)] ?\)? ?(?:or|and|\|\||&&|xor) ?(?:not )?\(? ?(?:["'`]?[\w.]{0,20}["'`]? ?(?:=|<|>|<=>|like|!=|<>) ?["'`]?[\w.]{0,20}|true|1\b|exists ?\()/,
      ],
      [6003, "condition of equal numbers", /\b(?:or|and|having|where|xor) ?\(? ?(\d{1,9}) ?(?:=|<=>|like) ?\(? ?\1\b/],
      [6004, "quote and comment", /(?:^|[\w)])["'`] ?\)? ?(?:--(?: |$|[+-])|#$|\/\*|;--)/],
      [
        6005,
        "statement after another",
        /[;"')] ?;? ?(?:drop|truncate|alter) (?:table|database|schema|user|column)\b|; ?(?:insert into|delete from|update [\w."`]{1,60} set|create (?:table|user|database)|shutdown|exec(?:ute)?[ (]|declare @|grant |select .{0,60}\bfrom\b|select (?:pg_sleep|sleep|version|load))/,
      ],
      [
        6006,
        "function that waits",
        /\b(?:sleep|pg_sleep|benchmark|dbms_lock\.sleep|dbms_pipe\.receive_message|randomblob) ?\( ?["']?[\d(a-z]|\bwaitfor delay ?["']/,
      ],
      [
        6007,
        "function that reads or writes files",
        /\b(?:load_file|load_extension|utl_http\.request|utl_inaddr\.|xp_(?:cmdshell|dirtree|regread|fileexist)|sp_(?:oacreate|executesql|configure)|lo_(?:import|export)|pg_read_file|pg_ls_dir|dblink)\b|\binto (?:outfile|dumpfile)\b/,
      ],
      [
        6008,
        "tables about tables",
        /\b(?:from|join|into|select) ?(?:.{0,80}[ ,(])?(?:information_schema\.|sqlite_(?:master|schema)|pg_(?:catalog|user|shadow|tables)\b|sys(?:\.|objects|columns|databases)|mysql\.user|all_tables|msysaccessobjects|v\$version)/,
        { targets: ["path", "query"] },
      ],
      [
        6009,
        "function that finds out by error",
        /\b(?:extractvalue|updatexml|xmltype|exp|gtid_subset|polygon|geometrycollection) ?\( ?(?:\d|rand|concat|~|0x|null|\(? ?select)|\b(?:convert|cast) ?\( ?(?:int,|\(? ?select)/,
      ],
      [
        6010,
        "condition asked of a sub-query",
        /\b(?:and|or|xor|if|case when|where) ?(?:not )?\(? ?(?:exists ?\(|\( ?select|(?:ascii|ord|substr(?:ing)?|mid|length|unicode|char_length|hex|bin) ?\( ?(?:\(? ?select|user|database|version|@@|substr|mid|password|\(?current))/,
      ],
      [
        6011,
        "order or group after a quote",
        /["')] ?(?:order|group) by \d{1,3}|["')] ?having \d|["')] ?limit \d{1,6} ?(?:,|offset)|["')] ?procedure analyse/,
      ],
      [6012, "order by a number and comment", /\border by \d{1,3} ?(?:--|#|\/\*|,\d)/],
      [
        6013,
        "texts put together from numbers",
        /\b(?:char|chr|nchr) ?\( ?\d{2,3} ?\)? ?(?:,|\|\||\+) ?(?:char|chr|\d{2,3})|\bconcat(?:_ws)? ?\( ?(?:0x|char|user|database|version|@@|\(? ?select)/,
      ],
      [6014, "variables of a server", /@@(?:version|hostname|datadir|basedir|global|servername|session)\b/],
      [
        6015,
        "query that selects",
        /\bselect (?:.{1,100}?) ?from [\w."`[\]]{1,60}(?: where |;|--| ?$| limit | union )/,
        { targets: ["path", "query"], score: 4, paranoia: 2 },
      ],
      [
        6016,
        "query that deletes or drops",
        /(?:^|[;=]) ?(?:drop (?:table|database)|delete from [\w."`]{1,60}(?: where|;|$)|truncate table|insert into [\w."`]{1,60} ?\(?)/,
        { targets: ["path", "query"] },
      ],
      [
        6017,
        "sub-query as a value",
        /[=(,+|-] ?\(? ?select (?:.{0,60}\bfrom\b|@@|user\b|version|database|count ?\(|concat|sleep|pg_sleep|\d{1,9} ?\)?$|case|password|group_concat|null)/,
        { targets: ["path", "query", "header"] },
      ],
      [
        6018,
        "quote that breaks out into an operator",
        /["'] ?(?:\|\||\+|&&|\*|-|\/) ?["'(](?:.{0,40}["')]|$)/,
        { paranoia: 2, score: 4 },
      ],
      [
        6019,
        "condition between numbers",
        /["')] ?(?:and|or) ?\d{1,9} ?(?:between|in|is|rlike|regexp|sounds like|<|>|!=|<>)/,
      ],
      [6020, "row of NULLs", /\bselect null(?:, ?null){1,30}/],
    ],
  ),
  ...rules(
    "nosql",
    ["query", "body"],
    [
      [
        7001,
        "operator of a query",
        /(?:\[|["'{,]) ?\$(?:ne|gt|gte|lt|lte|nin|in|regex|where|exists|or|and|not|nor|type|mod|all|size|elemmatch|jsonschema|expr|function|accumulator) ?["'\]]? ?[\]:=]/,
      ],
      [
        7002,
        "operator as the name of a parameter",
        /^\$?\w{0,40}\[\$(?:ne|gt|gte|lt|lte|nin|in|regex|where|exists|or|and|not|nor|expr)\]/,
      ],
      [
        7003,
        "script in a query",
        /\$where ?["']? ?[:=]|; ?return ?(?:true|this|\d)|\|\| ?["']?(?:1|a)["']? ?== ?["']?(?:1|a)|this\.(?:password|username|user) ?(?:[.=!]|\.match)|db\.[a-z]{1,40}\.(?:find|insert|update|drop|remove|aggregate) ?\(|while ?\( ?(?:true|1) ?\)/,
        { targets: ["query"] },
      ],
      [
        7004,
        "operator as a key",
        /^\$(?:ne|gt|gte|lt|lte|nin|regex|where|exists|nor|expr|function|accumulator)$/,
        { targets: ["body"] },
      ],
      [7005, "filter of a directory", /\*\)\((?:\||&|!|uid|cn|user|objectclass|mail|\w{1,20}=)|\)\((?:\||&)\(?/],
    ],
  ),
  ...rules(
    "lookup",
    ["path", "query", "header", "agent", "body"],
    [
      [
        8001,
        "lookup of a logger",
        /\$\{ ?(?:jndi|env|sys|java|ctx|lower|upper|date|main|log4j|docker|k8s|spring|bundle|base64|web|script|dns|url|:{1,2}-?) ?:?/,
      ],
      [8002, "lookup inside a lookup", /\$\{[^}]{0,60}\$\{/],
      [8003, "naming service", /jndi ?: ?(?:ldaps?|rmi|dns|nis|iiop|corba|nds|http)/],
      [
        8004,
        "expression of a template",
        /\{\{ ?(?:\d{1,9} ?[*+-] ?["']?\d|config|self|request|cycler|joiner|namespace|lipsum|["']{2}\.__|\[\]\.|constructor|this\.|_self|app\.request|system\()|\$\{ ?\d{1,9} ?\* ?\d|<%= ?(?:\d{1,9} ?[*+]|system|`|file|io\.|7)|#\{ ?\d{1,9} ?\*|\*\{ ?(?:t\(|\d{1,9} ?\*)|@\( ?\d{1,9} ?[*+]|#set ?\( ?\$/,
      ],
      [
        8005,
        "expression of Java",
        /(?:%|\$|#)\{ ?(?:\(?#|t ?\( ?java|@java|new java|#context|#_member|''\.getclass|\w{0,20}\.getclass)|java\.lang\.(?:runtime|processbuilder|system|class)|\.getruntime ?\(|class\.module\.classloader|#_memberaccess|ognl\.ognlcontext/,
      ],
      [8006, "classes of Python", /__(?:class|mro|subclasses|globals|builtins|import|init|base|getattribute)__/],
      [
        8007,
        "external entity of XML",
        /<!entity [^>]{0,120}(?:system|public) |<!doctype [^>]{0,120}\[ ?<!entity|<\?xml-stylesheet|<xi:include/,
      ],
      [8008, "directive of a server", /<!--# ?(?:exec|include|echo|config|printenv|set)\b/],
    ],
  ),
  ...rules(
    "code",
    ["query", "header", "body"],
    [
      [9001, "object of PHP in serial form", /(?:^|[;{:=" ])[oc]:\d{1,5}:["'][\w\\]{1,80}["']:\d{1,5}:\{/],
      [9002, "object of Java in serial form", /(?:^|[=:" ])(?:ro0ab[a-z0-9+/]{4}|aced0005|h4siaaaaaaaaa)/],
      [9003, "function of Node in serial form", /_\$\$nd_func\$\$_|\bfunction ?\(\) ?\{ ?require ?\(/],
      [
        9004,
        "prototype of JavaScript",
        /(?:^|[[."'{,&?]) ?(?:__proto__|constructor ?(?:\]|["']|\.)? ?(?:\[|:|\.)? ?["'{]{0,3} ?prototype)/,
      ],
      [
        9005,
        "code of Node",
        /(?:require|import) ?\( ?["'`](?:node:)?(?:child_process|fs|vm|net|os)["'`] ?\)|process ?\. ?(?:mainmodule|binding|env)\b|child_process|global(?:this)?\.process/,
        { targets: ["query", "header"] },
      ],
      [
        9006,
        "code of PHP",
        /<\?(?:php|=)|\b(?:system|exec|passthru|shell_exec|popen|proc_open|assert|eval|phpinfo|call_user_func(?:_array)?|create_function|base64_decode|file_get_contents|fsockopen) ?\( ?(?:["'$\\)]|\d|base64|file_get|chr|getenv|gzinflate|str_rot13)/,
        { targets: ["query", "header"] },
      ],
      [
        9007,
        "settings of PHP",
        /(?:auto_(?:prepend|append)_file|allow_url_include|disable_functions|safe_mode|open_basedir|suhosin\.simulation|cgi\.force_redirect) ?=/,
      ],
      [9008, "object of Ruby or YAML", /!ruby\/(?:object|hash|struct)|!!(?:python\/|java|javax|com\.sun)|!php\/object/],
      [
        9009,
        "object of .NET in serial form",
        /aaeaaad\/{5}|"\$type" ?: ?"system\.|objectdataprovider|typeconfusedelegate/,
      ],
      [9010, "variables of PHP", /\$_(?:get|post|request|server|cookie|session|files|env) ?\[|\$globals ?\[/],
      [
        9011,
        "pickle of Python",
        /c(?:posix|os|nt|subprocess|builtins|__builtin__)\n(?:system|popen|eval|exec)\n|gasv[a-z0-9+/]{20,60}/,
      ],
    ],
  ),
  ...rules(
    "scanner",
    ["agent"],
    [
      [
        9501,
        "tool that looks for weaknesses",
        /\b(?:sqlmap|nikto|nmap|masscan|zgrab|nuclei|acunetix|netsparker|nessus|openvas|w3af|dirbuster|gobuster|feroxbuster|ffuf|wfuzz|wpscan|joomscan|whatweb|arachni|skipfish|havij|jaeles|xsstrike|commix|burpcollaborator|burp ?suite|zmeu|morfeus|fimap|httpx - open-source|paros|webinspect|appscan|vega\/|absinthe|bsqlbf|brutus|hydra|metasploit|dirsearch|jorgee|detectify|qualys|interactsh)\b/,
      ],
    ],
  ),
  ...rules(
    "scanner",
    ["path"],
    [
      [
        9502,
        "page of another product",
        /\/(?:wp-(?:login\.php|admin\/|config\.|includes\/.{1,60}\.php|content\/plugins\/.{1,80}\.php)|xmlrpc\.php|phpmyadmin|pma\/|phpinfo\.php|adminer\.php|cgi-bin\/|server-status|solr\/admin|actuator\/(?:env|heapdump|gateway|jolokia)|jmx-console|manager\/html|vendor\/phpunit|boaform|hnap1|_ignition\/execute|console\/login\/|owa\/auth|druid\/index|geoserver\/|struts2?-|shell\.php|eval-stdin\.php|\.vscode\/sftp|telescope\/requests|debug\/default\/view)/,
      ],
      [
        9503,
        "copy or dump left behind",
        /\/(?:backup|dump|database|db|site|www|web|config|old)\.(?:sql|zip|tar|gz|tgz|bak|rar|7z)(?:\.gz)?$|\.(?:php|asp|aspx|jsp|config|yml)\.(?:bak|old|swp|save|orig)$|~$/,
      ],
    ],
  ),
];
