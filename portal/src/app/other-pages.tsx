import { Link } from "react-router";
import { Button } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { Frame } from "./frame.tsx";
import { useArrival } from "./page.tsx";

export function NotFound() {
  const heading = useArrival<HTMLHeadingElement>(words.notFound.title);
  return (
    <Frame>
      <div className="narrow sheet">
        <h1 ref={heading} tabIndex={-1}>
          {words.notFound.title}
        </h1>
        <p className="lead">{words.notFound.text}</p>
        <Link className="button button-quiet" to="/">
          {words.notFound.home}
        </Link>
      </div>
    </Frame>
  );
}

/** Stands in for a page whose own code failed: says nothing of why, as that might tell of the record. */
export function Crashed() {
  const heading = useArrival<HTMLHeadingElement>(words.crashed.title);
  return (
    <Frame>
      <div className="narrow sheet" role="alert">
        <h1 ref={heading} tabIndex={-1}>
          {words.crashed.title}
        </h1>
        <p className="lead">{words.crashed.text}</p>
        <Button onPress={() => location.reload()}>{words.crashed.reload}</Button>
      </div>
    </Frame>
  );
}
