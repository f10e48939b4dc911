import { Page } from "../../app/page.tsx";
import { Empty } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

export function NoRecord() {
  return (
    <Page title={words.record.title} heading={words.home.noRecordTitle}>
      <Empty icon="record">{words.home.noRecordText}</Empty>
    </Page>
  );
}
