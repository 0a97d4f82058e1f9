// What the page's scripts find around them, for a checker of types: what Gradio gives them, what they give each other in
// `window.elm`, and an answer of the server in all its forms. What the answers say is in answers.d.ts.

/** No answer came (lib/ask.js). */
interface Lost {
  error: string;
  lost: true;
}

type FieldOf<A> = A extends unknown ? keyof A : never;
type ValueOf<A, F extends PropertyKey> = A extends { [Name in F]?: infer V } ? (F extends keyof A ? V : never) : never;
type Fields<A> = { [F in FieldOf<A>]: ValueOf<A, F> };
/** An answer, or what may come in its place: the fields of all of these, as scripts look which ones are there. */
type Answered<A> = Fields<A | Answers.Failed | Lost>;

type QuestionOf<F> = F extends (ask: infer Q) => unknown ? Q : never;
type AnswerOf<F> = F extends (ask: any) => Promise<infer A> ? A : never;
/** Asks the server something by its name; never fails. */
type Asks<S> = <Name extends keyof S>(name: Name, ask?: QuestionOf<S[Name]>) => Promise<AnswerOf<S[Name]>>;

/** What a selector finds; which element it is, the template says. */
type Found = HTMLInputElement & HTMLSelectElement & HTMLAnchorElement & HTMLDetailsElement & HTMLFormElement & HTMLCanvasElement;

interface ParentNode {
  querySelector(selectors: string): Found | null;
  querySelectorAll(selectors: string): NodeListOf<Found>;
}

/** Every element here is HTML or SVG. */
interface Element extends ElementCSSInlineStyle {
  readonly dataset: DOMStringMap;
  blur(): void;
  focus(options?: FocusOptions): void;
  closest(selectors: string): Found | null;
  setAttribute(name: string, value: string | number | boolean): void;
}

/** What an event comes from, mostly an element: its handler knows which. */
interface EventTarget {
  closest?(selectors: string): any;
  blur?(): void;
  checked?: any;
  dataset?: any;
  files?: any;
  tagName?: any;
  value?: any;
}

/** What the scripts of the Solve tab, which are always there, do for the others and for Gradio's events. */
interface Elm {
  open(run: string): Promise<void>;
  tab(name: string, tries?: number): void;
  fill(old: Element, html: string): void;
  swap(old: Element, fresh: Node[]): void;
  stop(): unknown;
  chosen(): void;
  settings(open?: boolean): void;
  told(told: Answers.Submitted): void;
  replay?(run: string, pace?: string, playing?: boolean): void;
  model?(model: string, numbers: string): void;
  other?(): string;
}

interface Event {
  readonly dataTransfer?: DataTransfer | null;
}

interface HTMLFormControlsCollection {
  [name: string]: any;
}

interface Window {
  elm: Elm;
  gradio_config?: { api_prefix?: string };
}
