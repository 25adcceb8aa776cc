import { Ajv, type ErrorObject, type KeywordDefinition, type Options, type ValidateFunction } from 'ajv';

/** Looks at a value; gives what is wrong with it, nothing where the schema holds. */
export type Check = (value: unknown) => readonly ErrorObject[];

/**
 * Makes checks by JSON schema. A schema is compiled when a value is first looked at, so that a process pays for what it meets. Schemas are constants
 * of ours, whose every keyword ajv looks at as it compiles: they are not held to the metaschema as well, and making the generated code
 * short is left to V8. Together that is two thirds of what a compilation costs.
 */
export function checker(options: Options = {}, keywords: readonly KeywordDefinition[] = []): (schema: object) => Check {
  let ajv: Ajv | undefined;
  const compile = (schema: object): ValidateFunction => {
    ajv ??= new Ajv({
      strict: true,
      meta: false,
      validateSchema: false,
      code: { optimize: false },
      keywords: [...keywords],
      ...options,
    });
    return ajv.compile(schema);
  };
  return (schema) => {
    let validate: ValidateFunction | undefined;
    return (value) => {
      validate ??= compile(schema);
      return validate(value) ? [] : (validate.errors ?? []);
    };
  };
}
