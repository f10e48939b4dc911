import { useEffect, useRef, useState } from "react";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import type { Me } from "../../../src/core/wire.ts";
import { Button } from "../design/parts.tsx";
import { idlePhase, needsSignOfLife, type IdlePhase } from "../session/idle.ts";
import { words } from "../words/en.ts";
import { useApp } from "./context.ts";

const signsOfLife = ["pointerdown", "keydown", "wheel", "touchmove"] as const;
const tickMs = 1_000;

/** Watches for someone who has left, warns in time, and ends the session when nobody answers. */
export function IdleGuard({ me }: { readonly me: Me }) {
  const { session } = useApp();
  const [phase, setPhase] = useState<IdlePhase>({ phase: "active" });
  const lastActiveMs = useRef(Date.now());
  const warned = useRef(false);

  useEffect(() => {
    const seen = (): void => {
      // Once the question is asked only its answer counts, not a touch in passing.
      if (!warned.current) lastActiveMs.current = Date.now();
    };
    const look = (): void => {
      const times = {
        nowMs: Date.now(),
        lastActiveMs: lastActiveMs.current,
        lastAnsweredMs: session.lastAnsweredMs(),
        idleMs: me.idleMs,
        sessionEndsAtMs: Date.parse(me.sessionEndsAt),
      };
      const next = idlePhase(times);
      warned.current = next.phase === "warn";
      if (next.phase === "over") void session.end("idle");
      else
        setPhase((before) =>
          before.phase === "active" && next.phase === "active" ? before : next,
        );
      if (next.phase === "active" && needsSignOfLife(times)) void session.stay();
    };
    for (const sign of signsOfLife) addEventListener(sign, seen, { passive: true, capture: true });
    // A computer that slept has not ticked: look again as soon as someone does.
    document.addEventListener("visibilitychange", look);
    const ticking = setInterval(look, tickMs);
    return () => {
      for (const sign of signsOfLife) removeEventListener(sign, seen, { capture: true });
      document.removeEventListener("visibilitychange", look);
      clearInterval(ticking);
    };
  }, [session, me.idleMs, me.sessionEndsAt]);

  const stay = (): void => {
    warned.current = false;
    lastActiveMs.current = Date.now();
    setPhase({ phase: "active" });
    void session.stay();
  };
  return phase.phase === "warn" ? (
    <Warning
      leftMs={phase.leftMs}
      canStay={phase.canStay}
      stay={stay}
      leave={() => void session.end("signed-out")}
    />
  ) : null;
}

interface WarningProps {
  readonly leftMs: number;
  readonly canStay: boolean;
  readonly stay: () => void;
  readonly leave: () => void;
}

function Warning({ leftMs, canStay, stay, leave }: WarningProps) {
  const left = words.idle.left(Math.ceil(leftMs / 1000));
  return (
    <ModalOverlay className="veil" isOpen isKeyboardDismissDisabled={!canStay} onOpenChange={stay}>
      <Modal className="modal">
        <Dialog role="alertdialog" className="dialog">
          <Heading slot="title" level={2}>
            {words.idle.title}
          </Heading>
          <p>{canStay ? words.idle.text(left) : words.idle.lastText(left)}</p>
          <div className="actions">
            {canStay ? (
              <Button autoFocus onPress={stay}>
                {words.idle.stay}
              </Button>
            ) : null}
            <Button look={canStay ? "quiet" : "primary"} onPress={leave}>
              {words.idle.signOut}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
