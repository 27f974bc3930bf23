// The little of projects.* that clients ask for: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/projects
import { Router } from 'express';
import type { Engine } from '../engine-contract.ts';
import { etagOf, userEmailOf } from '../jobs/job-resource.ts';
import { projectOf } from './call.ts';

export const createProjectRoutes = ({ engine }: { readonly engine: Engine }): Router => {
  const routes = Router();
  routes.get('/projects', (_request, response) => {
    const projects = engine.datasets.projects().map((id) => ({ kind: 'bigquery#project', id, projectReference: { projectId: id }, friendlyName: id }));
    response.json({ kind: 'bigquery#projectList', etag: etagOf(projects), ...(projects.length === 0 ? {} : { projects }), totalItems: projects.length });
  });
  routes.get('/projects/:projectId/serviceAccount', (request, response) => {
    response.json({ kind: 'bigquery#getServiceAccountResponse', email: userEmailOf(projectOf(request)) });
  });
  return routes;
};
