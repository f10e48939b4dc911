interface ScriptPolicies {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

declare global {
  interface Window {
    /** W3C Trusted Types; missing where a browser does not know them. */
    readonly trustedTypes?: ScriptPolicies;
  }
}

const script = "/worker.js";

/** Lets the browser keep the page that says there is no connection. A browser that will not goes without. */
export async function keepOfflinePage(): Promise<boolean> {
  if (!("serviceWorker" in navigator)) return false;
  const policy = window.trustedTypes?.createPolicy("phylax-worker", {
    createScriptURL: () => script,
  });
  try {
    await navigator.serviceWorker.register(policy?.createScriptURL(script) ?? script);
    return true;
  } catch {
    return false;
  }
}
