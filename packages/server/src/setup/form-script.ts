/** What the pages' scripts share: sending JSON, and showing what is wrong beside the field it is about. */
export const FORM_SCRIPT = `
const byId = (id) => document.getElementById(id);

async function send(path, body, token) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token ? { authorization: "Bearer " + token } : {}) },
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  // Management addresses have their error within "error".
  const json = told.error && told.error.message ? told.error : told;
  const failure = new Error(json.message || "The server answered " + answer.status + ".");
  failure.code = json.code;
  failure.fix = json.fix;
  failure.fieldErrors = (json.details && json.details.fieldErrors) || {};
  throw failure;
}

function clearProblems() {
  byId("problem").hidden = true;
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const text of document.querySelectorAll(".wrong")) text.textContent = "";
}

function showProblem(failure) {
  const named = Object.entries(failure.fieldErrors || {}).filter(([name]) => byId(name) && byId(name + "-wrong"));
  for (const [name, texts] of named) {
    byId(name).setAttribute("aria-invalid", "true");
    byId(name + "-wrong").textContent = texts.join(", ");
  }
  if (named.length > 0) byId(named[0][0]).focus();
  else {
    byId("problem").textContent = failure.message + (failure.fix ? " " + failure.fix : "");
    byId("problem").hidden = false;
  }
}

/** Runs work with the button busy; a failure is shown and the form stays as it is. */
async function submit(button, busyText, work) {
  const text = button.textContent;
  clearProblems();
  button.disabled = true;
  button.textContent = busyText;
  try {
    await work();
  } catch (failure) {
    showProblem(failure instanceof TypeError ? new Error("The server does not answer. Is it still running?") : failure);
  } finally {
    button.disabled = false;
    button.textContent = text;
  }
}
`;
