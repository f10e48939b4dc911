import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps } from "react-aria-components/Button";
import { Icon, type IconName } from "./icon.tsx";

type Look = "primary" | "quiet" | "plain";

/** A busy button keeps its place and the focus, does nothing, and says by its words what goes on. */
export function Button(
  props: Omit<ButtonProps, "className" | "children" | "isPending"> & {
    readonly look?: Look;
    readonly icon?: IconName;
    readonly isBusy?: boolean;
    readonly children: ReactNode;
  },
) {
  const { look = "primary", icon, isBusy = false, children, type, onPress, ...rest } = props;
  return (
    <>
      <AriaButton
        {...rest}
        type={isBusy ? "button" : (type ?? "button")}
        {...(isBusy || onPress === undefined ? {} : { onPress })}
        data-busy={isBusy || undefined}
        className={`button button-${look}`}
      >
        {icon === undefined ? null : <Icon name={icon} />}
        <span>{children}</span>
      </AriaButton>
      <span className="unseen" role="status">
        {isBusy ? children : ""}
      </span>
    </>
  );
}

export function Card({
  children,
  label,
}: {
  readonly children: ReactNode;
  readonly label?: string;
}) {
  return label === undefined ? (
    <div className="card">{children}</div>
  ) : (
    <section className="card" aria-label={label}>
      {children}
    </section>
  );
}

type Tone = "info" | "ok" | "high" | "danger";
const toneIcons = { info: "info", ok: "check", high: "warning", danger: "warning" } as const;

/** Words that matter now. `isUrgent` has them read out at once. */
export function Notice(props: {
  readonly tone: Tone;
  readonly title: string;
  readonly children?: ReactNode;
  readonly isUrgent?: boolean;
}) {
  const { tone, title, children, isUrgent = false } = props;
  return (
    <div className={`notice notice-${tone}`} role={isUrgent ? "alert" : "status"}>
      <Icon name={toneIcons[tone]} size={22} />
      <div className="notice-words">
        <p className="notice-title">{title}</p>
        {children}
      </div>
    </div>
  );
}

export function Badge({
  tone,
  icon,
  children,
}: {
  readonly tone: "ok" | "high" | "low" | "danger" | "plain";
  readonly icon?: IconName;
  readonly children: ReactNode;
}) {
  return (
    <span className={`badge badge-${tone}`}>
      {icon === undefined ? null : <Icon name={icon} size={14} />}
      {children}
    </span>
  );
}

/** Grey bars in the shape of what comes, with words for those who wait and those who listen. */
export function Waiting({ words, rows = 3 }: { readonly words: string; readonly rows?: number }) {
  return (
    <div className="waiting" role="status">
      <p className="waiting-words">{words}</p>
      {Array.from({ length: rows }, (_, row) => (
        <div className="waiting-row" key={row} aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({
  icon,
  children,
}: {
  readonly icon: IconName;
  readonly children: ReactNode;
}) {
  return (
    <div className="empty">
      <Icon name={icon} size={30} />
      <p>{children}</p>
    </div>
  );
}
