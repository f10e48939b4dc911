import { useEffect } from "react";
import type { EmergencyLine } from "../../../../src/core/wire.ts";
import { useApp } from "../../app/context.ts";
import { useEmergencies } from "../../app/emergencies.ts";
import { Failed } from "../../app/failed.tsx";
import { useLoad } from "../../app/load.ts";
import { useSending } from "../../app/sending.ts";
import { Button, Notice } from "../../design/parts.tsx";
import { emergencyWords } from "../../words/emergency.ts";

const { banner } = emergencyWords;

/** Says for as long as it lasts that a chart is open in an emergency; nothing for any other. */
export function EmergencyBanner(props: { readonly patient: string; readonly closed: () => void }) {
  const { patient, closed } = props;
  const emergencies = useEmergencies();
  const { loaded } = useLoad(`emergency ${patient}`, (signal) =>
    emergencies.openings(patient, signal),
  );
  const open = loaded.state === "ready" ? loaded.value.find(({ isOpen }) => isOpen) : undefined;
  return open === undefined ? null : <Banner opening={open} closed={closed} />;
}

/** However this device's clock is set, it does not ask again and again. */
const shortestWaitMs = 30_000;

function Banner(props: { readonly opening: EmergencyLine; readonly closed: () => void }) {
  const { opening, closed } = props;
  const { dates } = useApp();
  const emergencies = useEmergencies();
  const { id, version, endsAt } = opening;
  const { isBusy, failure, submit } = useSending(true, {
    send: () => emergencies.act(id, { version, act: "close" }),
    sent: closed,
  });
  useEffect(() => {
    // What is shown goes when its time is over, as the server gives no more of it.
    const leftMs = Date.parse(endsAt) - Date.now();
    const timer = setTimeout(closed, Math.max(shortestWaitMs, leftMs));
    return () => clearTimeout(timer);
  }, [endsAt, closed]);
  return (
    <Notice tone="high" title={banner.title(dates.time(endsAt))}>
      <p>{banner.text}</p>
      {failure === null ? null : <Failed failure={failure} />}
      <Button look="quiet" isBusy={isBusy} onPress={submit}>
        {isBusy ? banner.closing : banner.close}
      </Button>
    </Notice>
  );
}
