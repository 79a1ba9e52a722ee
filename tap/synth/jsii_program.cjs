// Run by tap/synth/jsii_process.py: jsii's program without the process that jsii has in front of it, and with a memory.
"use strict";
const childProcess = require("child_process");
const { readFileSync, renameSync, statSync, writeFileSync } = require("fs");
const Module = require("module");
const { dirname, join, resolve } = require("path");

// jsii's first process warns about a Node that it does not support, then starts the second: it gets no further here.
function checkNode(firstProcess) {
  const { spawn } = childProcess;
  const enough = new Error();
  childProcess.spawn = () => {
    throw enough;
  };
  try {
    require(firstProcess);
  } catch (error) {
    if (error !== enough) throw error;
  }
  childProcess.spawn = spawn;
}

function run(program, descriptor) {
  const changes = [
    // jsii's first process makes descriptor 3 the one for messages; Python hands over whichever is free.
    ["readFD:3,writeFD:3", `readFD:${descriptor},writeFD:${descriptor}`],
    // The file is where Python has it installed, under the name that it has there.
    ['"runtime-index-worker.js"', '"lib__runtime-index-worker.js"'],
    ["_=(0,V.digestFile)(e,...f),", "_=module.digest(g,e,f,y,()=>(0,V.digestFile)(e,...f)),"],
  ];
  let source = readFileSync(program, "utf8");
  for (const [shipped, ours] of changes) {
    const parts = source.split(shipped);
    if (parts.length !== 2) throw new Error(`${program} holds ${parts.length - 1} times ${shipped}`);
    source = parts.join(ours);
  }
  process.argv.splice(1, Infinity, program);
  const jsii = new Module(program);
  jsii.filename = program;
  jsii.paths = Module._nodeModulePaths(dirname(program));
  jsii.digest = digest;
  jsii._compile(source, program);
}

// jsii finds a package in its cache by the digest of its archive, and computes that in each process: 34 MB, 60 ms.
// A remembered digest counts for the very file it was computed from, and only if it leads to a complete package.
function digest(root, archive, key, cache, compute) {
  const file = join(root, "tap-digests.json");
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(archive, { bigint: true });
  const state = [...key, dev, ino, size, mtimeNs, ctimeNs].join();
  let remembered = {};
  try {
    remembered = JSON.parse(readFileSync(file, "utf8"));
    const [known, hex] = remembered[resolve(archive)];
    if (known === state && /^[0-9a-f]{64}$/.test(hex) && cache.entry(...key, hex).isComplete) {
      return Buffer.from(hex, "hex");
    }
  } catch {} // there is none, or it is of no use
  const computed = compute();
  // A file that changed just now may change once more within the same tick of the file system's clock.
  if (Date.now() - Number(ctimeNs / 1_000_000n) > 1000) {
    try {
      const entry = { [resolve(archive)]: [state, computed.toString("hex")] };
      writeFileSync(`${file}.${process.pid}`, JSON.stringify({ ...remembered, ...entry }), { mode: 0o600 });
      renameSync(`${file}.${process.pid}`, file);
    } catch {} // the next process computes it again
  }
  return computed;
}

if (require.main === module) {
  const [, , embedded, descriptor] = process.argv;
  checkNode(join(embedded, "bin__jsii-runtime.js"));
  run(join(embedded, "lib__program.js"), descriptor);
} else {
  module.exports = digest; // for its test
}
