// Writes the texts that the package @graphql-yoga/render-graphiql contains as files, and moves their folder into place.
//
//   node unpack.cjs PACKAGE FOLDER TARGET
"use strict";

const { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

const [from, folder, target] = process.argv.slice(2);
const texts = require(join(from, "cjs", "graphiql.js"));

const FILES = {
  "graphiql.js": texts.js,
  "graphiql.css": texts.css,
  "editor.worker.js": texts.editorWorkerService,
  "graphql.worker.js": texts.graphqlWorker,
  "json.worker.js": texts.jsonWorker,
};

mkdirSync(folder);
for (const [name, text] of Object.entries(FILES)) {
  writeFileSync(join(folder, name), text);
}
copyFileSync(join(from, "LICENSE"), join(folder, "LICENSE"));
try {
  renameSync(folder, target);
} catch (error) {
  // If another process was faster, its folder is used.
  if (!existsSync(join(target, "LICENSE"))) {
    throw error;
  }
}
