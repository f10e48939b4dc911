import { useMemo } from "react";
import { useParams } from "react-router";
import { createConsentApi } from "../api/consent.ts";
import { useApp } from "../app/context.ts";
import { Frame } from "../app/frame.tsx";
import { LoadedPart } from "../app/loaded-part.tsx";
import { useLoad } from "../app/load.ts";
import { Mark } from "../design/mark.tsx";
import { words } from "../words/en.ts";
import { Ask } from "./consent/ask.tsx";

/** Asks the person whether an app may see a record, and how much of it. */
export function Component() {
  const { origin } = useApp();
  const { uid = "" } = useParams();
  const api = useMemo(() => createConsentApi(uid, origin), [uid, origin]);
  const loading = useLoad(uid, api.offer);
  return (
    <Frame>
      <div className="narrow sheet">
        <Mark size={48} />
        <LoadedPart of={loading} name={words.consent.loading}>
          {(offer) => <Ask offer={offer} api={api} />}
        </LoadedPart>
      </div>
    </Frame>
  );
}
