import type { ReactNode } from "react";
import { Failed } from "../../app/failed.tsx";
import type { PagedLoading } from "../../app/pages.ts";
import type { IconName } from "../../design/icon.tsx";
import { Button, Empty, Waiting } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

/** A list in each of its states: on its way, failed, empty, there, and with more to come. */
export function Listing<T>(props: {
  readonly list: PagedLoading<T>;
  readonly name: string;
  readonly icon: IconName;
  readonly empty: string;
  readonly children: (items: readonly T[]) => ReactNode;
}) {
  const { list, name, icon, empty, children } = props;
  const { loaded } = list;
  if (loaded.state === "loading") {
    return <Waiting words={words.loading(name.toLowerCase())} rows={4} />;
  }
  if (loaded.state === "failed") return <Failed failure={loaded.failure} again={list.again} />;
  if (loaded.value.length === 0) return <Empty icon={icon}>{empty}</Empty>;
  return (
    <>
      {children(loaded.value)}
      <More list={list} name={name} />
    </>
  );
}

function More<T>({ list, name }: { readonly list: PagedLoading<T>; readonly name: string }) {
  if (!list.hasMore) return null;
  return (
    <div className="more">
      <p>{words.record.more}</p>
      {list.moreFailure === null ? null : <Failed failure={list.moreFailure} />}
      <Button look="quiet" isBusy={list.isLoadingMore} onPress={list.more}>
        {list.isLoadingMore ? words.loading(name.toLowerCase()) : words.record.showMore}
      </Button>
    </div>
  );
}

/** What goes on now first, then what is over. `emptyNow` speaks when nothing goes on. */
export function NowAndPast<T extends { readonly id: string; readonly isActive: boolean }>(props: {
  readonly items: readonly T[];
  readonly emptyNow: string;
  readonly children: (item: T) => ReactNode;
}) {
  const { items, emptyNow, children } = props;
  const now = items.filter(({ isActive }) => isActive);
  const past = items.filter(({ isActive }) => !isActive);
  return (
    <>
      <h2 className="group-title">{words.record.active}</h2>
      {now.length === 0 ? <p className="group-empty">{emptyNow}</p> : null}
      <Items items={now}>{children}</Items>
      {past.length === 0 ? null : <h2 className="group-title">{words.record.past}</h2>}
      <Items items={past}>{children}</Items>
    </>
  );
}

export function Items<T extends { readonly id: string }>(props: {
  readonly items: readonly T[];
  readonly children: (item: T) => ReactNode;
}) {
  const { items, children } = props;
  if (items.length === 0) return null;
  return (
    <ul className="items">
      {items.map((item) => (
        <li className="item" key={item.id}>
          {children(item)}
        </li>
      ))}
    </ul>
  );
}
