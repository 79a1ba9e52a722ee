// Run by tap/proofs/engine.py: evaluates the simulations on standard input with iam-simulate, in order.
"use strict";
const { readFileSync } = require("fs");
const { createRequire } = require("module");

async function main(project) {
  const { runSimulation } = createRequire(project)("@cloud-copilot/iam-simulate");
  const results = [];
  for (const simulation of JSON.parse(readFileSync(0, "utf8"))) {
    const done = await runSimulation({ serviceControlPolicies: [], resourceControlPolicies: [], ...simulation }, {});
    if (done.resultType === "error") results.push({ error: JSON.stringify(done.errors) });
    else results.push({ decision: done.overallResult });
  }
  process.stdout.write(JSON.stringify(results));
}

main(process.argv[2]);
