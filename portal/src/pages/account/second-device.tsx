import { useEffect, useState } from "react";
import type { WaitingDevice } from "../../../../src/core/wire.ts";
import type { DeviceLink } from "../../account/second-device.ts";
import { useAccount } from "../../app/account.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useApp } from "../../app/context.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { Button, Notice } from "../../design/parts.tsx";
import { Qr } from "../../design/qr.tsx";
import { words } from "../../words/en.ts";

const { second } = words.account;
/** How often it is asked whether the other device has come. */
const lookEveryMs = 3_000;

/** Adds a device by a QR code that it scans; it is of use once this device has said yes. */
export function SecondDevice() {
  const account = useAccount();
  const [link, setLink] = useState<DeviceLink | null>(null);
  const [isAdded, setIsAdded] = useState(false);
  const { isBusy, failure, run } = useDeed();
  const added = (): void => {
    setLink(null);
    setIsAdded(true);
  };
  return (
    <section className="stack">
      <h2>{second.title}</h2>
      <p className="section-about">{second.lead}</p>
      {isAdded ? <Notice tone="ok" title={second.added} /> : null}
      {failure === null ? null : <Failed failure={failure} />}
      {link === null ? (
        <div className="actions">
          <Button
            look="quiet"
            icon="add"
            isBusy={isBusy}
            onPress={() => run(account.deviceLink, setLink)}
          >
            {second.add}
          </Button>
        </div>
      ) : (
        <Scan link={link} added={added} close={() => setLink(null)} />
      )}
    </section>
  );
}

function Scan(props: {
  readonly link: DeviceLink;
  readonly added: () => void;
  readonly close: () => void;
}) {
  const { link, added, close } = props;
  const { origin, dates } = useApp();
  const waiting = useWaiting(link);
  return (
    <div className="card">
      {waiting.length > 0 ? null : (
        <>
          <p>{second.scan}</p>
          <Qr text={`${origin}${link.enrolPath}`} label={second.qrLabel} />
          <p className="item-when">{second.until(dates.time(link.endsAt))}</p>
        </>
      )}
      {waiting.map((device) => (
        <Waiting key={device.id} device={device} added={added} close={close} />
      ))}
      <div className="actions">
        <Button look="plain" onPress={close}>
          {words.cancel}
        </Button>
      </div>
    </div>
  );
}

/** The devices that came by the link; asked for as long as the link is good. */
function useWaiting({ endsAt }: DeviceLink): readonly WaitingDevice[] {
  const account = useAccount();
  const [waiting, setWaiting] = useState<readonly WaitingDevice[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    const look = async (): Promise<void> => {
      if (Date.now() > Date.parse(endsAt)) return clearInterval(ticking);
      const answer = await account.waitingDevices(stop.signal);
      if (answer.ok && !stop.signal.aborted) setWaiting(answer.value);
    };
    const ticking = setInterval(() => void look(), lookEveryMs);
    return () => {
      stop.abort();
      clearInterval(ticking);
    };
  }, [account, endsAt]);
  return waiting;
}

function Waiting(props: {
  readonly device: WaitingDevice;
  readonly added: () => void;
  readonly close: () => void;
}) {
  const { device, added, close } = props;
  const account = useAccount();
  return (
    <div className="stack" role="status">
      <h3>{second.came(device.name)}</h3>
      <p>{second.compare}</p>
      <p className="paper-code">{device.confirm}</p>
      <div className="actions">
        <Confirm
          name={second.yes}
          title={second.yesTitle}
          text={second.yesText}
          work={() => account.confirmDevice(device.id)}
          then={added}
        />
        <Confirm
          name={second.no}
          title={second.noTitle}
          text={second.noText}
          work={() => account.refuseDevice(device.id)}
          then={close}
        />
      </div>
    </div>
  );
}
