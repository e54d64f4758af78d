export { type Transaction, type TransactionalDatabase, type TransactionOptions, transaction } from "./transaction.ts";
