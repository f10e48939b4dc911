import { after, before, suite } from "node:test";
import { startDeployment, type TestDeployment } from "../support/deployment.ts";
import { attacksByApps } from "./apps.ts";
import { createPersonas, type Attacked, type Personas } from "./attacked.ts";
import { attacksOnAuthenticators } from "./authenticators.ts";
import { attacksOnKiosks } from "./kiosk.ts";
import { attacksOnSignIn } from "./sign-in.ts";
import { attacksOnTokens } from "./tokens.ts";

suite("attacks on a deployment through its gateway", { timeout: 400_000 }, () => {
  let phylax: TestDeployment;
  let personas: Personas;
  const attacked = (): Attacked => ({ phylax, personas });

  before(async () => {
    phylax = await startDeployment();
    personas = createPersonas(phylax);
  });
  after(() => phylax?.remove());

  attacksOnTokens(attacked);
  attacksByApps(attacked);
  attacksOnKiosks(attacked);
  attacksOnAuthenticators(attacked);
  // Last, as guessing gets names and addresses held up.
  attacksOnSignIn(attacked);
});
