// What the page's scripts may ask the server, and what they are answered. Made by tests/web/answer_types.py of
// the typed dictionaries in Python: change those.

declare namespace Answers {
  /** The columns of attempts that changed, as pairs of key and HTML, the `order` of all by key, and how many `rows` one has at most. */
  interface AttemptColumns {
    rows: number;
    order: string[];
    columns: [string, string][];
  }

  /** The run that was begun, to be shown. */
  interface Begun {
    run: string;
  }

  /** A run that cannot be shown. */
  interface BrokenRun {
    run: string;
    error: string;
    elsewhere: string;
    coming: ComingWeights | null;
  }

  /** Change a memory, or of several whether they are offered. */
  interface ChangeMemory {
    id?: string;
    ids?: string[];
    label?: string;
    note?: string;
    enabled?: boolean;
  }

  /** A trace's card: its `shell`, and the blocks of its text that changed, as pairs of place and HTML. */
  interface ChangedCard {
    key: string;
    arm: string;
    shell: string;
    blocks: [number, string][];
  }

  /** The weights that are being fetched: in a line, as HTML, and in two words. */
  interface ComingWeights {
    line: string;
    chip: string;
  }

  /** About how long it will take: the `costs` of each method, the `estimate` of those that are chosen, as HTML; and the `command` that does the same. */
  interface ComparisonPlan {
    costs: Record<string, string>;
    estimate: string;
    command: string;
  }

  /** The page of a run as HTML; `again` if it will be another one soon. `solved` is the run whose problem it is: the same, or the one whose tokens it scores. Without a run there is none to explain. */
  interface ExplainedRun {
    run: string;
    solved?: string;
    html: string;
    again: boolean;
  }

  /** Export some memories, or all that fit the list's fields. */
  interface ExportMemories {
    ids?: string[];
    text?: string;
    model?: string;
    enabled?: string;
    improved?: string;
    sort?: string;
    offset?: number;
  }

  /** The archive of exported memories. */
  interface ExportedMemories {
    file: string;
    name: string;
    told: string;
  }

  /** In place of an answer: `error` is a sentence as HTML. */
  interface Failed {
    error: string;
  }

  /** What is in a file: `told` in a sentence, with what was assumed, and `bad` if some rows cannot be used, as HTML; `count` problems. */
  interface FileContents {
    told: string;
    bad: string;
    count: number;
  }

  /** Why a file cannot be used, to be said where it was chosen. */
  interface FileRefused {
    error: string;
    field: "file";
  }

  /** A file that is to be looked at; `columns` as somebody named them. */
  interface FileToRead {
    name: string;
    data: string;
    columns: string;
  }

  /** A file that is to be used: `skip` leaves its bad rows out, `fields` are those of the form. */
  interface FileToUse {
    name: string;
    data: string;
    skip: boolean;
    fields: Record<string, any>;
  }

  /** What came of an archive; `added` is the memory if it was one, else "". */
  interface ImportedMemories {
    told: string;
    added: string;
  }

  /** Learn from the problem of a run, with the fields of the drawer, none of them if it was not touched. */
  interface LearnFrom {
    run: string;
    fields: Record<string, any>;
  }

  /** How long learning from a solved problem takes, as text, and what else there is to know, as HTML. */
  interface LearningOffer {
    time: string;
    hint: string;
  }

  /** What of a learning run depends on the time and on the store; `stored` is HTML, `share` from 0 to 1. */
  interface LearningStanding {
    title: string;
    clock: string;
    share: number;
    begun: boolean;
    traces: string;
    stored: string;
  }

  /** How long learning would take, in words; "" if nobody knows. */
  interface LearningTime {
    text: string;
  }

  /** What the list is to show, as its fields have it: see `listing.wanted`. */
  interface ListMemories {
    text: string;
    model: string;
    enabled: string;
    improved: string;
    sort: string;
    offset: number;
  }

  /** Memories on the map, column by column, in one order. */
  interface MapColumns {
    ids: string[];
    x: number[];
    y: number[];
    state: number[];
    gain: (number | null)[];
    created: number[];
    model: number[];
    models: [string, string][];
    total: number;
  }

  /** What can be done without the model, as HTML. */
  interface Meanwhile {
    html: string;
  }

  /** A memory's card as HTML, and, unless it is damaged, its point on the map. */
  interface MemoryCard {
    id: string;
    card: string;
    point?: MapColumns;
  }

  /** What the map shows beside a point, as HTML. */
  interface MemoryGlance {
    id: string;
    html: string;
  }

  /** A page of the list: all that fit, or the nearest to a text. */
  interface MemoryList {
    count: number;
    stamp: string;
    starter: number;
    query?: number[];
    matches?: [string, number][];
    points?: MapColumns;
    page: number;
    threshold: number;
    rows: string;
    told: string;
    pager: string;
    models: string;
    total: number;
  }

  /** The points of the map, and which of the ticked memories are gone. */
  interface MemoryMap {
    ids: string[];
    x: number[];
    y: number[];
    state: number[];
    gain: (number | null)[];
    created: number[];
    model: number[];
    models: [string, string][];
    total: number;
    stamp: string;
    gone: string[];
  }

  /** The drawer's two fields about the model; none of them as long as nobody has changed one. */
  interface ModelFields {
    model?: string | null;
    numbers?: string | null;
  }

  /** A model on this machine. */
  interface ModelHere {
    auto: string;
    reason: string;
    chip: string;
    line: string;
    other: string;
    lacking: string;
    fetch: string;
  }

  /** Why there is no card. */
  interface NoMemory {
    id: string;
    error: string;
  }

  /** Nothing runs that is shown here; `elsewhere` is the run that has a page of its own. */
  interface NoRun {
    run: "";
    elsewhere?: string;
    coming: ComingWeights | null;
  }

  /** There is no stream yet. */
  interface NoStream {
    run: "";
    stamp: string;
    earlier: string;
  }

  /** What a search waits for, as text. */
  interface NotYetListed {
    waiting: string;
  }

  /** A question, or an answer, that says no more than its name. */
  interface Nothing {
  }

  /** A question about the comparison in a folder. */
  interface OfFolder {
    folder: string;
  }

  /** A question about a run. */
  interface OfRun {
    run: string;
  }

  /** A run that has a page of its own. */
  interface OnOwnPage {
    run: string;
    page: string;
    coming: ComingWeights | null;
  }

  /** A question about a memory. */
  interface OneMemory {
    id: string;
  }

  /** Attempts opened, as HTML. */
  interface OpenedAttempts {
    opened: string;
  }

  /** Whether there was something to pause. */
  interface Pausing {
    pausing: boolean;
  }

  /** Attempts by the keys of their cells. */
  interface PickedAttempts {
    run: string;
    viewer?: string;
    at?: number | null;
    picked: string[];
  }

  /** The map, and the ids of the memories that are ticked. */
  interface PickedOnMap {
    picked: string[];
  }

  /** What `methods` would take on the `count` problems of a file of that name; see `FileToUse` for the others. */
  interface PlanComparison {
    methods: string[];
    fields: Record<string, any>;
    count: number;
    name: string;
    skip: boolean;
  }

  /** What the player is given: seconds count from the start of the replay; `slots` and `frames` as in `Frames`. */
  interface RecordedRun {
    length: number;
    speed: number;
    marks: number[];
    slots: string[];
    frames: [number, (number | string)[][]][];
  }

  /** What there is to play, in seconds since the run began: where it starts and ends, and marks to step to. */
  interface ReplaySpan {
    start: number;
    length: number;
    marks: number[];
  }

  /** The results so far, to be saved by the browser under a name. */
  interface ResultsFile {
    name: string;
    text: string;
  }

  /** What changed in a run after the entry `since`, -1 for everything; without a run, in the one that is running. */
  interface RunSince {
    run: string;
    viewer?: string;
    at?: number | null;
    since: number;
  }

  /** Nothing has changed since the answer with the same stamp. */
  interface SameComparison {
    what: string;
    same: true;
  }

  /** Nothing has changed since the answer with the same stamp. */
  interface SameStream {
    run: string;
    same: true;
  }

  /** Score the tokens of a trace: an arm, and its index behind a space, where it is not the memory's first. */
  interface ScoreTokens {
    run: string;
    trace: string;
  }

  /** A file as the browser sends it: `data` is in base64. */
  interface SentFile {
    name: string;
    data: string;
  }

  /** A file that the browser is to fetch (`lib/download.js`), and the name under which it saves it. */
  interface ServedFile {
    file: string;
    name: string;
  }

  /** A question about memories. */
  interface SeveralMemories {
    ids: string[];
  }

  /** A comparison, or why there is none to show (`error`); `folder` is "" then. `known` are those to choose from, as pairs of what one is asked for by and its name. */
  interface ShownComparison {
    what: string;
    folder: string;
    parts: Record<string, string>;
    run?: string;
    live?: boolean;
    resume?: boolean;
    share?: number;
    chip?: string;
    known: [string, string][];
    stamp: string;
    error?: string;
  }

  /** A run as the page shows it: `elsewhere` is another run that is running, `waits`: this one has not begun. */
  interface ShownRun {
    run: string;
    seq: number;
    ended: boolean;
    live: boolean;
    state: string;
    command: string;
    blank: boolean;
    problem: string;
    arms: Record<string, string>;
    status: string;
    shown: string[];
    offer: LearningOffer | null;
    attempts: AttemptColumns | null;
    learning: LearningStanding | null;
    resume: string;
    parts: Record<string, string>;
    cards: ChangedCard[];
    replay?: ReplaySpan;
    elsewhere: string;
    waits: boolean;
    coming: ComingWeights | null;
  }

  /** A stream with its rows as HTML, but for the first ones, which are known (`from`). */
  interface ShownStream {
    run: string;
    state: string;
    ended: boolean;
    live: boolean;
    resume: boolean;
    done: number;
    total: number;
    parts: Record<string, string>;
    chip: string;
    earlier: string;
    stamp: string;
    from: number;
    rows: string[];
  }

  /** Solve a run's problem again with another `memory` (`off`: none), or another `verifier`. */
  interface SolveAgain {
    run: string;
    memory?: string;
    verifier?: string;
  }

  /** Solve a run's problem again with more samples, or more new tokens, as text. */
  interface SolveMore {
    run: string;
    samples?: string;
    max_new_tokens?: string;
  }

  /** Start a comparison of methods on a file. */
  interface StartComparison {
    name: string;
    data: string;
    skip: boolean;
    fields: Record<string, any>;
    methods: string[];
  }

  /** Whether there was something to stop. */
  interface Stopping {
    stopping: boolean;
  }

  /** How many memories there are, and a text that changes whenever one of them does. */
  interface StoreState {
    count: number;
    stamp: string;
  }

  /** The results of a stream as text. */
  interface StreamResults {
    run: string;
    kind: "jsonl" | "csv";
  }

  /** A stream as it stands, the live or the newest one without a run: `rows` are known already, `stamp` is of the last answer; with `follow` a run that went on in another one gives that one. */
  interface StreamSince {
    run: string;
    stamp: string;
    rows: number;
    follow: boolean;
  }

  /** What came of a problem: the run that solves it and its text, or the part of the form that is wrong. */
  interface Submitted {
    run?: string;
    text?: string;
    field?: "problem" | "settings";
  }

  /** Offer a memory, or do not. */
  interface SwitchMemory {
    memory: string;
    on: boolean;
  }

  /** What was done, as text. */
  interface Told {
    told: string;
  }

  /** Where the browser has put an archive. */
  interface UploadedArchive {
    path: string;
  }

  /** The comparison in a folder, or that of a run (`what`), the newest without either; `stamp` is of the last answer. */
  interface WhichComparison {
    what: string;
    stamp: string;
  }
}

declare namespace Servers {
  interface Solve {
    /** As `answer`, for a script. */
    tail(ask: Answers.RunSince): Promise<Answered<Answers.NoRun | Answers.OnOwnPage | Answers.BrokenRun | Answers.ShownRun>>;
    /** Stop a run. */
    stop(ask: Answers.OfRun): Promise<Answered<Answers.Stopping>>;
    /** Learn from the problem of a run; `fields` are those of the drawer. */
    learn(ask: Answers.LearnFrom): Promise<Answered<Answers.Begun>>;
    /** Solve a run's problem again, with its settings and seed, but for `memory` (`off`: none) or `verifier`. */
    again(ask: Answers.SolveAgain): Promise<Answered<Answers.Begun>>;
    /** Solve a run's problem again with its settings and seed, but for `samples` or `max_new_tokens`: the first attempts are the same ones, and go on. */
    more(ask: Answers.SolveMore): Promise<Answered<Answers.Begun>>;
    /** Enable the memory of a learning run that was stored disabled. */
    keep(ask: Answers.OfRun): Promise<Answered<Answers.Nothing>>;
    /** Go on with a learning run that broke off. */
    resume(ask: Answers.OfRun): Promise<Answered<Answers.Begun>>;
    /** How long learning would take with the drawer's fields as they are. */
    duration(ask: Answers.LearnFrom): Promise<Answered<Answers.LearningTime>>;
    /** Attempts of a learning run opened, side by side if they are two; `picked` are their cells' keys. */
    attempts(ask: Answers.PickedAttempts): Promise<Answered<Answers.OpenedAttempts>>;
    /** The model of these fields. */
    machine(ask: Answers.ModelFields): Promise<Answered<Answers.ModelHere>>;
    /** Begin to fetch that model, or go on. */
    fetch(ask: Answers.ModelFields): Promise<Answered<Answers.Nothing>>;
    /** Stop fetching, and the run that waits for it. */
    unfetch(ask: Answers.Nothing): Promise<Answered<Answers.Nothing>>;
    /** What can be done without the model, as links; `run` is the one that waits for it, if any. */
    meanwhile(ask: Answers.OfRun): Promise<Answered<Answers.Meanwhile>>;
    /** Makes the file of a run, which the browser then fetches. */
    save(ask: Answers.OfRun): Promise<Answered<Answers.ServedFile>>;
  }

  interface Explain {
    /** The page of a run, or of the newest that found memories, or else of a recorded one. A run that scores the tokens of another, `solved`, has the page of that one. */
    explain(ask: Answers.OfRun): Promise<Answered<Answers.ExplainedRun>>;
    /** Solve the problem of a run again, with its seed and settings, but for `memory` or `verifier`. */
    explain_again(ask: Answers.SolveAgain): Promise<Answered<Answers.Begun>>;
    /** Score the tokens of a trace of a run, without its memory and with it. */
    explain_act(ask: Answers.ScoreTokens): Promise<Answered<Answers.Begun>>;
    /** Stop scoring. */
    explain_stop(ask: Answers.OfRun): Promise<Answered<Answers.Nothing>>;
    /** Offer a memory (`on`), or do not. */
    explain_switch(ask: Answers.SwitchMemory): Promise<Answered<Answers.Nothing>>;
  }

  interface Memories {
    /** Whether anything has changed. */
    memories_state(ask: Answers.Nothing): Promise<Answered<Answers.StoreState>>;
    /** A page of the list: all that fit, or the nearest to a text. */
    memories_list(ask: Answers.ListMemories): Promise<Answered<Answers.MemoryList | Answers.NotYetListed>>;
    /** The points of the map, and which of the memories that were ticked (`picked`) are gone. */
    memories_map(ask: Answers.PickedOnMap): Promise<Answered<Answers.MemoryMap>>;
    /** The card of one memory. */
    memory_card(ask: Answers.OneMemory): Promise<Answered<Answers.MemoryCard | Answers.NoMemory>>;
    /** What the map shows beside a point: problem, answer, and how the votes stood. */
    memory_glance(ask: Answers.OneMemory): Promise<Answered<Answers.MemoryGlance>>;
    /** Changes label, note or whether some memories are offered; gives what to say about it. */
    memory_change(ask: Answers.ChangeMemory): Promise<Answered<Answers.Told>>;
    /** Deletes memories for good. */
    memories_delete(ask: Answers.SeveralMemories): Promise<Answered<Answers.Told>>;
    /** Writes some memories (`ids`), or all that fit the filters, into a file that the browser then fetches. */
    memories_export(ask: Answers.ExportMemories): Promise<Answered<Answers.ExportedMemories>>;
    /** Takes in an archive that the browser has uploaded. */
    memories_import(ask: Answers.UploadedArchive): Promise<Answered<Answers.ImportedMemories>>;
    /** Takes in the memories that come with the program. */
    memories_starter(ask: Answers.Nothing): Promise<Answered<Answers.ImportedMemories>>;
  }

  interface Stream {
    /** What is in a file. A read-only page takes none. */
    stream_check(ask: Answers.FileToRead): Promise<Answered<Answers.FileContents>>;
    /** The example that comes with the program, as the browser would send it. */
    stream_example(ask: Answers.Nothing): Promise<Answered<Answers.SentFile>>;
    /** Start a stream of a file. */
    stream_start(ask: Answers.FileToUse): Promise<Answered<Answers.Begun | Answers.FileRefused>>;
    /** Stop a stream at once; what it has made is kept. */
    stream_pause(ask: Answers.OfRun): Promise<Answered<Answers.Stopping>>;
    /** Go on with a stream at the very problem at which it ended. */
    stream_resume(ask: Answers.OfRun): Promise<Answered<Answers.Begun>>;
    /** The results so far. */
    stream_results(ask: Answers.StreamResults): Promise<Answered<Answers.ResultsFile>>;
    /** A stream as it stands. The same state has the same stamp, and is not told twice. */
    stream_tail(ask: Answers.StreamSince): Promise<Answered<Answers.ShownStream | Answers.SameStream | Answers.NoStream>>;
  }

  interface Compare {
    /** A comparison as it stands. The same state has the same stamp, and is not told twice. */
    compare_show(ask: Answers.WhichComparison): Promise<Answered<Answers.ShownComparison | Answers.SameComparison>>;
    /** End a comparison when the problem that it is at is done. */
    compare_pause(ask: Answers.OfRun): Promise<Answered<Answers.Pausing>>;
    /** Stop a comparison at once; what is done is kept. */
    compare_stop(ask: Answers.OfRun): Promise<Answered<Answers.Stopping>>;
    /** Go on with the comparison in a folder. */
    compare_resume(ask: Answers.OfFolder): Promise<Answered<Answers.Begun>>;
    /** Writes the folder of a comparison into a zip file that the browser then fetches. */
    compare_zip(ask: Answers.OfFolder): Promise<Answered<Answers.ServedFile>>;
    /** What is in a file. A read-only page takes none. */
    compare_check(ask: Answers.FileToRead): Promise<Answered<Answers.FileContents>>;
    /** The example that comes with the program, as the browser would send it. */
    compare_example(ask: Answers.Nothing): Promise<Answered<Answers.SentFile>>;
    /** About how long it will take. */
    compare_plan(ask: Answers.PlanComparison): Promise<Answered<Answers.ComparisonPlan>>;
    /** Start a comparison. */
    compare_start(ask: Answers.StartComparison): Promise<Answered<Answers.Begun | Answers.FileRefused>>;
  }
}
