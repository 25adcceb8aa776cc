import { http } from '@google-cloud/functions-framework';
import { answerOf } from './answer.ts';

// An empty function, served by the framework's own command: the ceiling of whatever it serves.
http('empty', (request, response) => {
  response.json(answerOf(request.body));
});
