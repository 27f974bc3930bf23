// Imported first, for its effect, by the main.ts of the command line and of each service. A process that exits while V8
// compiles a function in the background can hang for ever: the compiling thread waits for a collection by the main thread,
// which waits for that thread to end (nodejs/node#54918; seen here in 3 of 70 runs of `lint` on a busy machine, in Maglev and
// in Sparkplug). A service that hangs at its end is killed after its grace period, with a log that says so and nothing to be
// found. So nothing is compiled in the background: Sparkplug and TurboFan in the foreground, and Maglev, which knows no other
// place, not at all. It costs these processes nothing that could be measured.
import { setFlagsFromString } from 'node:v8';

for (const flag of ['--no-concurrent-sparkplug', '--no-maglev', '--no-concurrent-recompilation']) setFlagsFromString(flag);
