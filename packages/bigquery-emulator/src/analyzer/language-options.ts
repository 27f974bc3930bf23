// BigQuery's dialect, as options of Google's analyzer: all features that it has, less those that BigQuery does not.
type LanguageOptions = { readonly enabledLanguageFeatures: readonly string[] } & Readonly<Record<string, unknown>>;

const added = [
  'FEATURE_CREATE_TABLE_PARTITION_BY',
  'FEATURE_CREATE_TABLE_CLUSTER_BY',
  'FEATURE_CREATE_TABLE_CLONE',
  'FEATURE_INTERVAL_TYPE',
  'FEATURE_TIME_BUCKET_FUNCTIONS',
  'FEATURE_V_1_4_CORRESPONDING',
  'FEATURE_V_1_4_GROUPING_BUILTIN',
  'FEATURE_V_1_4_GROUPING_SETS',
];
/** Spanner's, F1's and internal ones. Each would accept a statement that BigQuery refuses. */
const left = new Set([
  'FEATURE_TIMESTAMP_NANOS',
  'FEATURE_EXTENDED_TYPES',
  'FEATURE_EXPERIMENTAL_MODULES',
  'FEATURE_CREATE_AGGREGATE_FUNCTION',
  'FEATURE_STRATIFIED_RESERVOIR_TABLESAMPLE',
  'FEATURE_TABLESAMPLE_FROM_TABLE_VALUED_FUNCTIONS',
  'FEATURE_CHECK_CONSTRAINT',
  // Equality and order of arrays: "Equality is not defined for arguments of type ARRAY<INT64>".
  // https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_type
  'FEATURE_V_1_1_ARRAY_EQUALITY',
  'FEATURE_V_1_3_ARRAY_ORDERING',
  'FEATURE_V_1_2_ARRAY_ELEMENTS_WITH_SET',
  'FEATURE_V_1_2_GENERATED_COLUMNS',
  'FEATURE_V_1_2_PROTO_EXTENSIONS_WITH_NEW',
  'FEATURE_V_1_2_PROTO_EXTENSIONS_WITH_SET',
  'FEATURE_V_1_3_PROTO_DEFAULT_IF_NULL',
  'FEATURE_V_1_3_EXTRACT_FROM_PROTO',
  'FEATURE_V_1_3_PROTO_MAPS',
  'FEATURE_V_1_3_REPLACE_FIELDS',
  'FEATURE_V_1_3_FILTER_FIELDS',
  'FEATURE_V_1_3_BRACED_PROTO_CONSTRUCTORS',
  'FEATURE_V_1_3_ENUM_VALUE_DESCRIPTOR_PROTO',
  'FEATURE_V_1_3_IGNORE_PROTO3_USE_DEFAULTS',
  'FEATURE_V_1_3_UNNEST_AND_FLATTEN_ARRAYS',
  'FEATURE_V_1_3_ALLOW_SLASH_PATHS',
  'FEATURE_V_1_3_DML_RETURNING',
  'FEATURE_V_1_3_WITH_GROUP_ROWS',
  'FEATURE_V_1_3_KLL_WEIGHTS',
  'FEATURE_V_1_3_TYPEOF_FUNCTION',
  'FEATURE_V_1_3_ARRAY_GREATEST_LEAST',
  'FEATURE_V_1_4_ARRAY_FIND_FUNCTIONS',
  'FEATURE_V_1_4_ARRAY_AGGREGATION_FUNCTIONS',
  'FEATURE_V_1_4_FIRST_AND_LAST_N',
  'FEATURE_V_1_4_NULLIFZERO_ZEROIFNULL',
  'FEATURE_V_1_4_PI_FUNCTIONS',
]);

/** `all` is what the analyzer answers to `maximumFeatures`; it knows best what it has. */
export function bigQueryLanguage(all: LanguageOptions): LanguageOptions {
  return {
    ...all,
    nameResolutionMode: 'NAME_RESOLUTION_DEFAULT',
    productMode: 'PRODUCT_EXTERNAL',
    // None named: all kinds. What is not ours is refused by its name afterwards.
    supportedStatementKinds: [],
    reservedKeywords: ['QUALIFY'],
    enabledLanguageFeatures: [...new Set([...all.enabledLanguageFeatures.filter((feature) => !left.has(feature)), ...added])],
  };
}
