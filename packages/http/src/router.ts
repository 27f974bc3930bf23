// Services make their routes with this one, so that there is one express in the process.
export { Router, type Request, type Response } from 'express';
