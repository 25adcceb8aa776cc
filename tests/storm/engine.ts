/** A discrete-event simulation: what happens next, in the order of its time; things of the same time in the order in which they were planned. */
export class Simulation {
  /** Seconds since the start. */
  now = 0;
  readonly #heap: { readonly time: number; readonly order: number; readonly what: () => void }[] = [];
  #planned = 0;

  /** Plans something for so many seconds from now. */
  after(seconds: number, what: () => void): void {
    const heap = this.#heap;
    heap.push({ time: this.now + seconds, order: this.#planned++, what });
    let at = heap.length - 1;
    while (at > 0 && this.#isBefore(at, (at - 1) >> 1)) {
      this.#swap(at, (at - 1) >> 1);
      at = (at - 1) >> 1;
    }
  }

  /** Runs until nothing is planned any more, or `done` says so. */
  run(done: () => boolean): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.now = next.time;
      next.what();
      if (done()) return;
    }
  }

  #next(): { readonly time: number; readonly what: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    let at = 0;
    for (;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < heap.length && this.#isBefore(left, least)) least = left;
      if (right < heap.length && this.#isBefore(right, least)) least = right;
      if (least === at) return first;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.time < other.time || (one.time === other.time && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}

/** So many servers with one queue before them, first come first served. */
export class Station {
  readonly name: string;
  readonly #simulation: Simulation;
  readonly #servers: number;
  readonly #waiting: { readonly seconds: number; readonly done: () => void }[] = [];
  readonly #busySeconds: number[] = [];
  #busy = 0;
  #head = 0;
  served = 0;

  constructor(simulation: Simulation, name: string, servers: number) {
    this.#simulation = simulation;
    this.name = name;
    this.#servers = servers;
  }

  /** Takes a server for so many seconds, as soon as one is free. */
  serve(seconds: number, done: () => void): void {
    if (this.#busy >= this.#servers) this.#waiting.push({ seconds, done });
    else this.#start(seconds, done);
  }

  get queue(): number {
    return this.#waiting.length - this.#head;
  }

  /** Share of the servers' time that was used in a second of the simulation (0 for the first). */
  use(second: number): number {
    return (this.#busySeconds[second] ?? 0) / this.#servers;
  }

  #start(seconds: number, done: () => void): void {
    this.#busy += 1;
    this.#note(seconds);
    this.#simulation.after(seconds, () => {
      this.#busy -= 1;
      this.served += 1;
      const next = this.#waiting[this.#head];
      if (next !== undefined) {
        this.#head += 1;
        if (this.#head > 1024) this.#waiting.splice(0, this.#head);
        if (this.#head > 1024) this.#head = 0;
        this.#start(next.seconds, next.done);
      }
      done();
    });
  }

  /** Books the time on the seconds over which it stretches. */
  #note(seconds: number): void {
    let [from, left] = [this.#simulation.now, seconds];
    while (left > 0) {
      const second = Math.floor(from + 1e-9);
      const part = Math.min(left, second + 1 - from);
      this.#busySeconds[second] = (this.#busySeconds[second] ?? 0) + part;
      from += part;
      left -= part;
      if (part <= 0) return;
    }
  }
}

/** Lets so many through at once; who comes later waits until one has left. */
export class Gate {
  readonly #places: number;
  readonly #waiting: ((leave: () => void) => void)[] = [];
  #inside = 0;

  constructor(places: number) {
    this.#places = places;
  }

  get inside(): number {
    return this.#inside;
  }

  get queue(): number {
    return this.#waiting.length;
  }

  /** Calls back once inside, with what has to be called to leave. */
  enter(entered: (leave: () => void) => void): void {
    if (this.#inside >= this.#places) this.#waiting.push(entered);
    else this.#admit(entered);
  }

  #admit(entered: (leave: () => void) => void): void {
    this.#inside += 1;
    entered(() => {
      this.#inside -= 1;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#admit(next);
    });
  }
}
