const form = /^[A-Za-z0-9._~-]{16,512}$/;

/**
 * Takes the token of a link to one of our pages out of the address, so that neither the history nor
 * a look at the screen keeps it. Null when this is no such link or its token has another form.
 */
export function takeLinkToken(
  page: "/enrol" | "/recovery",
  location: Pick<Location, "pathname" | "hash">,
  history: Pick<History, "state" | "replaceState">,
): string | null {
  if (location.pathname !== page || location.hash === "") return null;
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(history.state, "", page);
  return token !== null && form.test(token) ? token : null;
}
