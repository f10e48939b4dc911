import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

export function PrintButton() {
  return (
    <div className="no-print">
      <Button look="plain" icon="print" onPress={() => print()}>
        {words.record.print}
      </Button>
    </div>
  );
}
