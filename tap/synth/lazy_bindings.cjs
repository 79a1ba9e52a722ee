// Loaded into jsii's Node process by tap/synth/bindings.py; whatever it does not recognize is loaded as shipped.
"use strict";
const { existsSync, readFileSync } = require("fs");
const { dirname, join, sep } = require("path");
const Module = require("module");

const { _load: load, _resolveFilename: resolve } = Module;

// A @cdktf/provider-* or @cdktn/provider-* package ships two equal entry points: lib/index.js loads each of its thousands of classes at
// once, lib/lazy-index.js loads a class when it is first used. package.json names the slow one.
const entryPoint = join(sep, "lib", "index.js");

// NODE_OPTIONS reaches every Node process that Python starts from here on, cdktf-cli say, and JSII_AGENT only jsii's.
if (process.env.JSII_AGENT) {
  Module._resolveFilename = resolveLazily;
  Module._load = loadAtFirstUse;
}

function resolveLazily(...args) {
  const file = resolve.apply(this, args);
  return file.endsWith(entryPoint) ? lazyIndex(file) : file;
}

const chosen = new Map();

function lazyIndex(file) {
  if (!chosen.has(file)) {
    const lazy = join(dirname(file), "lazy-index.js");
    const provider = isProvider(join(dirname(file), "..", "package.json"));
    if (provider && !existsSync(lazy)) {
      process.stderr.write(`warning: ${lazy} is missing, so every class of the provider is loaded (slow)\n`);
    }
    chosen.set(file, provider && existsSync(lazy) ? lazy : file);
  }
  return chosen.get(file);
}

function isProvider(manifest) {
  try {
    return /^@cdkt[fn]\/provider-/.test(JSON.parse(readFileSync(manifest, "utf8")).name);
  } catch {
    return false;
  }
}

// cdktf itself requires these two at its start, 190 files, and needs them only to zip an asset and to compare the
// version of a binary. A stand-in loads the real one when it is first used.
const RARELY_USED = new Set(["archiver", "semver"]);
const frameworks = ["cdktf", "cdktn"].map((name) => join(sep, "node_modules", name, "lib", sep));

function loadAtFirstUse(request, parent, isMain) {
  if (!RARELY_USED.has(request) || !frameworks.some((one) => parent?.filename?.includes(one))) return load(request, parent, isMain);
  const real = () => load(request, parent, isMain);
  // All that cdktf does with them, up to its last version: to call, and to take a function of theirs.
  return new Proxy(function () {}, {
    apply: (_, self, args) => Reflect.apply(real(), self, args),
    get: (_, name) => real()[name],
  });
}
