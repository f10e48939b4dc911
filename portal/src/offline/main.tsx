import "../design/tokens.css";
import "../design/base.css";
import "../design/parts.css";
import "../design/pages.css";
import "../design/print.css";
import { createRoot } from "react-dom/client";
import { createDates, localeFor } from "../dates/dates.ts";
import { words } from "../words/en.ts";
import { createKeeping } from "./kept.ts";
import { OfflinePage } from "./page.tsx";
import { askPasskey } from "./passkey-secret.ts";

const nowMs = (): number => Date.now();
const dates = createDates({
  locale: localeFor(words.language, navigator.languages),
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  now: nowMs,
  words,
});
const root = document.querySelector("#root");
if (root === null) throw new Error("the page has no place for what it shows");
const keeping = createKeeping(indexedDB, navigator.locks);
createRoot(root).render(<OfflinePage dates={dates} deps={{ keeping, askPasskey, nowMs }} />);
