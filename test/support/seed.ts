import * as fc from "fast-check";

/** Loaded before each file of property tests: see test/run.ts. */
fc.configureGlobal({ seed: Number(process.env["PHYLAX_TEST_SEED"]) });
