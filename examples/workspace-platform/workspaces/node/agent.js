// A workspace for Node work: runs the tests of a checkout and prints what came of them.
const { spawnSync } = require("node:child_process");

const workspace = process.env.WORKSPACE || "/workspace";
const interval = Number(process.env.INTERVAL || "60") * 1000;

function run(program, args) {
  const done = spawnSync(program, args, { cwd: workspace, encoding: "utf8" });
  const error = done.error ? done.error.message : undefined;
  return { command: [program, ...args], status: done.status, error, output: (done.stdout || "").slice(-2000) };
}

function round() {
  console.log(JSON.stringify(run("git", ["status", "--short"])));
  console.log(JSON.stringify(run("node", ["--test"])));
}

round();
setInterval(round, interval);
