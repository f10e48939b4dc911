import { useState } from "react";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import type { Outcome } from "../api/failure.ts";
import { Button } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { useDeed } from "./deed.ts";
import { Failed } from "./failed.tsx";

export interface ConfirmProps<T> {
  /** On the button, and again on the one that says yes. */
  readonly name: string;
  /** The button's name for those who hear it out of its place. */
  readonly label?: string;
  readonly title: string;
  readonly text: string;
  readonly look?: "quiet" | "plain";
  readonly work: () => Promise<Outcome<T>>;
  readonly then: (value: T) => void;
}

/** A button for what cannot be taken back: asks once more before it is done. */
export function Confirm<T>(props: ConfirmProps<T>) {
  const { name, label, title, text, look = "quiet", work, then } = props;
  const [isOpen, setIsOpen] = useState(false);
  const { isBusy, failure, run } = useDeed();
  const yes = (): void =>
    run(work, (value) => {
      setIsOpen(false);
      then(value);
    });
  return (
    <>
      <Button
        look={look}
        {...(label === undefined ? {} : { "aria-label": label })}
        onPress={() => setIsOpen(true)}
      >
        {name}
      </Button>
      <ModalOverlay className="veil" isOpen={isOpen} onOpenChange={setIsOpen} isDismissable>
        <Modal className="modal">
          <Dialog role="alertdialog" className="dialog">
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <p>{text}</p>
            {failure === null ? null : <Failed failure={failure} />}
            <div className="actions">
              <Button isBusy={isBusy} onPress={yes}>
                {name}
              </Button>
              <Button look="quiet" autoFocus onPress={() => setIsOpen(false)}>
                {words.cancel}
              </Button>
            </div>
          </Dialog>
        </Modal>
      </ModalOverlay>
    </>
  );
}
