import type { Interaction, Provider } from "oidc-provider";
import type { Random } from "#core/random.ts";
import type { Blind } from "#identity/blind.ts";
import { bindBrowser, boundBrowser } from "#identity/sign-in/browser-cookie.ts";
import type { Exchange } from "#identity/sign-in/interaction.ts";

const cookie = "__Host-phylax-proven";
/** Where it stands among what came of an interaction. */
const member = "provenBrowser";
const resumed = /^\/oauth\/authorize\/([A-Za-z0-9_-]{1,64})$/;

export interface ProvenBrowserDeps {
  readonly random: Random;
  readonly blind: Blind;
}

/**
 * Marks the browser in which the person proves herself; what the answer is to be kept with. The same
 * mark as before where it has one, so that two tabs do not undo each other.
 */
export function markProven(
  { request, response }: Exchange,
  { random, blind }: ProvenBrowserDeps,
): Readonly<Record<string, string>> {
  const mark = boundBrowser(request, cookie) ?? random.bytes(32).toString("base64url");
  bindBrowser(response, cookie, mark);
  return { [member]: blind("proven-browser", mark).toString("base64url") };
}

function isProven(interaction: Interaction, mark: string | null, blind: Blind): boolean {
  const kept: unknown = interaction.result?.[member];
  if (kept === undefined) return true;
  return mark !== null && kept === blind("proven-browser", mark).toString("base64url");
}

/**
 * Lets a sign-in go on in that browser alone in which the person proved herself. The cookies of the
 * OpenID provider name the sign-in, and are set with a path, so that a neighbouring host could plant
 * those of a sign-in of its own and be first to come back with what she proved.
 */
export function keepToProvenBrowser(provider: Provider, home: string, blind: Blind): void {
  provider.use(async (ctx, next) => {
    const uid = resumed.exec(ctx.path)?.[1];
    const interaction = uid === undefined ? undefined : await provider.Interaction.find(uid);
    const mark = boundBrowser(ctx.req, cookie);
    if (interaction === undefined || isProven(interaction, mark, blind)) {
      await next();
      return;
    }
    ctx.status = 303;
    ctx.set("location", `${home}/callback?error=sign_in_lost`);
    ctx.body = "";
  });
}
