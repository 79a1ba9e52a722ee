// Run by tap/proofs/engine.py: evaluates the simulations on standard input with iam-simulate, in order.
"use strict";
const { readFileSync } = require("fs");
const { createRequire } = require("module");

async function main(project) {
  const { runSimulation } = createRequire(project)("@cloud-copilot/iam-simulate");
  const results = [];
  for (const simulation of JSON.parse(readFileSync(0, "utf8"))) {
    results.push(await decided(runSimulation, simulation));
  }
  process.stdout.write(JSON.stringify(results));
}

async function decided(runSimulation, simulation) {
  try {
    const done = await runSimulation({ serviceControlPolicies: [], resourceControlPolicies: [], ...simulation }, {});
    return done.resultType === "error" ? { error: sentence(done.errors) } : { decision: done.overallResult };
  } catch (error) {
    return { error: String(error) }; // it doesn't expect every kind of mistake in a policy
  }
}

function sentence(errors) {
  const told = Object.values(errors).flat().filter((one) => one.path !== undefined);
  return told.map(({ path, message }) => `${path}: ${message}`).join("; ") || JSON.stringify(errors);
}

main(process.argv[2]);
