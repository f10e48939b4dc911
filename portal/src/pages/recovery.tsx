import { useState } from "react";
import { useApp } from "../app/context.ts";
import { Frame } from "../app/frame.tsx";
import { Mark } from "../design/mark.tsx";
import { Begin } from "./recovery/begin.tsx";
import { Underway } from "./recovery/underway.tsx";

/** The way back for someone who lost what she signs in with. */
export function Component() {
  const { recovery } = useApp();
  const [token, setToken] = useState(recovery.token);
  const again = (): void => {
    recovery.forget();
    setToken(null);
  };
  return (
    <Frame>
      <div className="narrow sheet">
        <Mark size={48} />
        {token === null ? <Begin begun={setToken} /> : <Underway token={token} again={again} />}
      </div>
    </Frame>
  );
}
