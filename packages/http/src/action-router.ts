// Functions of this process that another one may call: POST /actions/<name> with one JSON value in, one out. For our own
// processes on one machine, behind a socket that only the same user can reach.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { Router } from 'express';
import { callHttp } from './http-client.ts';
import type { HttpTarget } from './http-server.ts';

// A method's parameter is bivariant, so that typed functions fit; JSON is all that comes in.
export type Actions = { readonly [name: string]: { call(input: unknown, signal: AbortSignal): Promise<unknown> }['call'] };

export const createActionRouter = (actions: Actions): Router => {
  const router = Router();
  router.post('/actions/:name', async (request, response) => {
    const action = Object.hasOwn(actions, request.params.name) ? actions[request.params.name] : undefined;
    if (action === undefined)
      throw new FloodgateError('not_found', `this process has no action ${request.params.name}`, {
        hint: 'both processes must be of the same version of Floodgate',
      });
    // Who gave up waiting wants no answer any more.
    const gone = new AbortController();
    response.on('close', () => gone.abort(new FloodgateError('cancelled', 'the caller has gone')));
    response.json({ result: (await action(request.body, gone.signal)) ?? null });
  });
  return router;
};

/** The same functions, called in the process that answers at `target`. */
export const callAction = async (target: HttpTarget, name: string, input: unknown, signal: AbortSignal): Promise<unknown> => {
  const { body } = await callHttp(target, 'POST', `/actions/${name}`, input, signal);
  return (body as { readonly result: unknown }).result;
};
