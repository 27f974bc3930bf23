// Imported first, for its effect. A process that exits while V8 compiles a function in the background can hang for ever: the
// compiling thread waits for a collection by the main thread, which waits for that thread to end (nodejs/node#54918). So
// nothing is compiled in the background. The command line of the project does the same; this package may not import it.
import { setFlagsFromString } from 'node:v8';

for (const flag of ['--no-concurrent-sparkplug', '--no-maglev', '--no-concurrent-recompilation']) setFlagsFromString(flag);
