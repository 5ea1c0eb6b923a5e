// Writes lines of JSON from stdin through Winston and winston-mongodb; prints the seconds until the server has them all.
// node winston_mongodb.js <uri> <collection>

const readline = require("node:readline");
const { MongoClient } = require("mongodb");
const winston = require("winston");
require("winston-mongodb");

async function main([uri, collection]) {
  const lines = [];
  for await (const line of readline.createInterface({ input: process.stdin })) lines.push(JSON.parse(line));
  const client = await MongoClient.connect(uri);
  const stored = client.db().collection(collection);
  const transport = new winston.transports.MongoDB({ db: Promise.resolve(client), collection, level: "debug" });
  const logger = winston.createLogger({ level: "debug", transports: [transport] });
  await until(stored, 0, () => logger.info("first line"), 1); // connected, and the collection is there
  const began = process.hrtime.bigint();
  await until(stored, 1, () => lines.forEach(({ level, message, ...metadata }) => logger.log({ level, message, metadata })), lines.length);
  console.log(Number(process.hrtime.bigint() - began) / 1e9);
  await client.close();
  process.exit(0);
}

async function until(stored, before, work, count) {
  work();
  while ((await stored.estimatedDocumentCount()) < before + count) await new Promise((resolve) => setTimeout(resolve, 5));
}

main(process.argv.slice(2));
