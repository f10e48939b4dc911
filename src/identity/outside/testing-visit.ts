import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import type { TestProvider } from "#identity/outside/testing-provider.ts";

/** Her browser at the other house: keeps its cookies, follows its redirects. */
export interface Visitor {
  /** From the address that she was sent to, through the form there, to the address she is sent back to. */
  visit(address: string): Promise<string>;
}

const maxHops = 10;

export function createVisitor({ issuer, authority }: TestProvider): Visitor {
  const cookies = new Map<string, string>();
  const ask = (method: string, address: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const asking = request(address, { method, ca: authority, headers: { cookie } }, (answer) => {
        for (const line of answer.headers["set-cookie"] ?? []) {
          const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          cookies.set(name, value);
        }
        answer.resume();
        answer.once("end", () => resolve(answer));
      });
      asking.once("error", reject);
      asking.end();
    });
  return {
    visit: async (address) => {
      let at = address;
      for (let hop = 0; hop < maxHops && at.startsWith(issuer); hop += 1) {
        const isForm = new URL(at).pathname.startsWith("/interaction/");
        const { statusCode, headers } = await ask(isForm ? "POST" : "GET", at);
        if (headers.location === undefined) throw new Error(`${statusCode} at ${at.split("?")[0]}`);
        at = new URL(headers.location, at).href;
      }
      return at;
    },
  };
}
