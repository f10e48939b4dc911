import { useMemo, useState } from "react";
import { createLaunches, type Launches } from "../../api/launch.ts";
import { useApp } from "../../app/context.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { launch } = words;

/** Opens this patient's record in one of the apps that the clinic has let in (SMART App Launch 2.2 §3). */
export function OpenApp({ patient }: { readonly patient: string }) {
  const { session } = useApp();
  const launches = useMemo(() => createLaunches(session), [session]);
  const [isOpen, setIsOpen] = useState(false);
  if (!isOpen)
    return (
      <div className="actions no-print">
        <Button look="quiet" icon="apps" onPress={() => setIsOpen(true)}>
          {launch.open}
        </Button>
      </div>
    );
  return <Apps patient={patient} launches={launches} />;
}

function Apps({ patient, launches }: { readonly patient: string; readonly launches: Launches }) {
  const loading = useLoad("launchable", launches.apps);
  const { isBusy, failure, run } = useDeed();
  const open = (app: string): void =>
    run(
      () => launches.launch(app, patient),
      (url) => location.assign(url),
    );
  return (
    <section className="card no-print">
      <h2>{launch.title}</h2>
      <LoadedPart of={loading} name={launch.loading}>
        {(apps) =>
          apps.length === 0 ? (
            <p>{launch.none}</p>
          ) : (
            <>
              <p>{launch.text}</p>
              <div className="actions">
                {apps.map(({ id, name }) => (
                  <Button key={id} look="quiet" isBusy={isBusy} onPress={() => open(id)}>
                    {launch.openThis(name)}
                  </Button>
                ))}
              </div>
            </>
          )
        }
      </LoadedPart>
      {failure === null ? null : <Failed failure={failure} />}
    </section>
  );
}
