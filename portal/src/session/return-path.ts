/** Pages that a sign-in may come back to. */
const pages =
  /^\/(?:home|access|download|requests|register|duplicates|emergencies|account(?:\/[a-z-]{1,32})?|administration(?:\/[a-z-]{1,32}(?:\/[A-Za-z0-9-]{1,64})?)?|record(?:\/[a-z]{1,32})?|patients(?:\/[A-Za-z0-9.-]{1,64}(?:\/[a-z]{1,32})?)?)$/;

/** The path itself when it is one of our signed-in pages, else the home page. */
export function returnPath(path: string | null): string {
  return path !== null && pages.test(path) ? path : "/home";
}
