//! Every limit of the service in one place; `docs/limits.md` explains each, and each is tested at
//! the limit and one past it.

use std::time::Duration;

/// Bytes of a request body, after which the answer is 413. The official R4 examples hold a 35 MB
/// Bundle.
pub const BODY_BYTES: usize = 64 << 20;
/// Bytes of all request headers together; more is 431.
pub const HEADER_BYTES: usize = 64 << 10;
/// Bytes of path and query together; more is 414.
pub const URL_BYTES: usize = 16 << 10;
/// Bytes of a bearer token; a longer one is refused unread.
pub const TOKEN_BYTES: usize = 16 << 10;
/// Bytes of a form posted to the authority.
pub const FORM_BYTES: usize = 256 << 10;
/// Bytes of a control-plane JSON body (ARM, Graph, administration).
pub const CONTROL_BODY_BYTES: usize = 1 << 20;
/// Levels of nesting in a JSON document.
pub const JSON_DEPTH: usize = 128;
/// Values in a JSON document (members, elements and scalars); guards memory before bytes do.
pub const JSON_NODES: usize = 8_000_000;
/// Codes of an expansion; a larger one is given in parts, with `count` and `offset`.
pub const EXPANSION_CODES: usize = 10_000;
/// Entries of a batch or transaction Bundle. Azure allows 500.
pub const BUNDLE_ENTRIES: usize = 10_000;
/// Bytes of what the GET entries of one Bundle may look up together; an entry past it is answered
/// 413.
pub const BUNDLE_ANSWER_BYTES: usize = 64 << 20;
/// Patients of one name, birth date and gender that `$member-match` tells apart.
pub const MEMBERS_ALIKE: usize = 100;
/// Coverages that those patients have together.
pub const MEMBERS_COVERAGES: usize = 1_000;
/// Resources of the graph that `$graph` gives.
pub const GRAPH_RESOURCES: usize = 1_000;
/// Characters of a resource id.
pub const ID_CHARACTERS: usize = 64;
/// Matches of a page unless `_count` says otherwise.
pub const PAGE_DEFAULT: usize = 10;
/// The most matches of a page; above it `_count` is capped, with a warning.
pub const PAGE_MOST: usize = 1_000;
/// Characters of a page link.
pub const LINK_CHARACTERS: usize = 2_000;
/// How long a page link lives.
pub const LINK_LIFETIME: Duration = Duration::from_hours(1);
/// Bytes of queries that are too long for a page link and are kept in memory for as long as their
/// links live.
pub const KEPT_QUERY_BYTES: u64 = 64 << 20;
/// Search parameters in one request, repeats counted.
pub const SEARCH_PARAMETERS: usize = 100;
/// Values of one comma-separated search parameter.
pub const SEARCH_VALUES: usize = 1_000;
/// How long a client may take to send the headers of a request.
pub const HEADER_TIME: Duration = Duration::from_secs(15);
/// How long a connection may stand still in the middle of a body, or of an answer that the client
/// does not read.
pub const STALL_TIME: Duration = Duration::from_secs(20);
/// How long a keep-alive connection may stay idle.
pub const IDLE_TIME: Duration = Duration::from_secs(120);
/// How long a request may take before it is answered 408.
pub const REQUEST_TIME: Duration = Duration::from_secs(100);
/// Queries that read much of a service which run at one time in it; more are asked to wait.
pub const EXPENSIVE_QUERIES: usize = 256;
/// Open connections; more wait in the listen queue.
pub const CONNECTIONS: usize = 10_000;
/// Bytes of request bodies held at one time over all connections; a request past it waits for its
/// turn, then 503.
pub const BODY_BYTES_IN_FLIGHT: usize = 1 << 30;
/// How long running requests may still take after SIGTERM.
pub const DRAIN_TIME: Duration = Duration::from_secs(8);
/// Lifetime of an access token.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);
/// Difference of clocks that token checks forgive.
pub const CLOCK_SKEW: Duration = Duration::from_mins(5);
/// Lifetime of an authorization code.
pub const CODE_LIFETIME: Duration = Duration::from_mins(5);
/// Lifetime of a device code.
pub const DEVICE_CODE_LIFETIME: Duration = Duration::from_mins(15);
/// Lifetime of a refresh token; each use gives a new one.
pub const REFRESH_TOKEN_LIFETIME: Duration = Duration::from_hours(24 * 90);
/// Sign-ins that may be under way (authorization codes and device codes together) before new ones
/// are refused.
pub const PENDING_SIGN_INS: usize = 10_000;
/// Bytes of a scope. It is kept while a sign-in is under way, which anybody may begin.
pub const SCOPE_BYTES: usize = 4 << 10;
/// Wrong user codes that may be typed from one address in one minute.
pub const USER_CODE_TRIES: u32 = 20;
/// Addresses whose wrong user codes are counted; past it new ones wait for the next minute.
pub const ADDRESSES_REMEMBERED: usize = 10_000;
/// Bytes of a client assertion; one with a chain of certificates in it has a few thousand.
pub const ASSERTION_BYTES: usize = 32 << 10;
/// How long a client assertion may live; clients make them for ten minutes.
pub const ASSERTION_LIFETIME: Duration = Duration::from_hours(24);
/// Resources that one client assertion may be used for, each once.
pub const ASSERTION_RESOURCES: usize = 32;
/// Client assertions of one application that are remembered until they end.
pub const ASSERTIONS_REMEMBERED: usize = 10_000;
/// Secrets an application may have, and as many certificates.
pub const CREDENTIALS: usize = 50;
/// Verified tokens kept in memory.
pub const TOKEN_CACHE: u64 = 10_000;
/// Compressed bodies that are unpacked at one time.
pub const BODIES_UNPACKED: usize = 8;
/// Password checks that may run at one time; argon2id is heavy by design.
pub const PASSWORD_CHECKS: usize = 2;
/// Bytes of a password; a longer one cannot be set, and is wrong without being hashed.
pub const PASSWORD_BYTES: usize = 256;
/// Names whose wrong passwords are remembered. Past it, those that need not wait are forgotten; if
/// none can be, new names wait.
pub const NAMES_REMEMBERED: usize = 10_000;
/// Wrong passwords for one user before sign-in waits; each further one doubles the wait.
pub const PASSWORD_TRIES: u32 = 5;
/// The longest wait after wrong passwords.
pub const PASSWORD_WAIT_MOST: Duration = Duration::from_mins(15);
/// Commits that may wait for the writer of one service before new ones are answered 503.
pub const WRITER_QUEUE: usize = 4_096;
/// Requests that may share one synchronous commit.
pub const GROUP_COMMITS: usize = 256;
/// Bytes of bodies that may share one synchronous commit.
pub const GROUP_BYTES: usize = 64 << 20;
/// Index rows that gather in memory before they go into their table, a part with each commit; half
/// as many more can gather meanwhile.
pub const TAIL_ROWS: usize = 32_768;
/// Address space an environment reserves at first; it doubles when four fifths are used.
pub const MAP_BYTES: usize = 64 << 30;
/// Address space up to which an environment may grow; past it writes are answered 507.
pub const MAP_BYTES_MOST: usize = 16 << 40;
/// Read transactions open at one time in one environment.
pub const READERS: u32 = 1_024;
/// Bytes that a connection must move per [`STALL_TIME`] while a body or an answer is on its way.
pub const STALL_BYTES: u64 = 1 << 10;
/// Bytes of memory taken for a body before any of them has come.
pub const BODY_BYTES_AT_ONCE: usize = 1 << 20;
/// How long a body waits for its share of [`BODY_BYTES_IN_FLIGHT`].
pub const BODY_MEMORY_WAIT: Duration = Duration::from_secs(10);
/// Bytes of a refused body that are read and dropped, so that the client gets to read why.
pub const DRAIN_BYTES: usize = 64 << 20;
/// Bytes of an unread body up to which the connection is kept for the next request.
pub const DRAIN_BYTES_KEEPING_ALIVE: u64 = 256 << 10;
/// How long a refused body is read and dropped.
pub const DRAIN_BODY_TIME: Duration = Duration::from_secs(5);
/// Requests that one HTTP/2 connection may have open.
pub const STREAMS: u32 = 128;
/// Bytes of an answer from which it is compressed when the client takes that.
pub const COMPRESSION_BYTES: usize = 1 << 10;
/// Bytes of an answer up to which it is compressed whole; a longer one is compressed while it is
/// sent.
pub const COMPRESSED_AT_ONCE: usize = 64 << 10;
/// Bytes of decompressed bodies that one service keeps for reads by id.
pub const BODY_CACHE_BYTES: usize = 32 << 20;
/// Bytes of a FHIRPath expression.
pub const FHIRPATH_BYTES: usize = 64 << 10;
/// Levels of nesting in a FHIRPath expression; operators and invocations count as levels.
pub const FHIRPATH_DEPTH: usize = 128;
/// Steps of one evaluation of a FHIRPath expression: operations, items and pieces of text.
pub const FHIRPATH_STEPS: usize = 10_000_000;
/// Bytes of a compiled pattern of `matches()` and its like.
pub const FHIRPATH_PATTERN_BYTES: usize = 1 << 20;
/// Bytes of what `$fhirpath` answers.
pub const FHIRPATH_ANSWER_BYTES: usize = 64 << 20;
/// Faults of one resource that are told; the rest is counted.
pub const ISSUES: usize = 500;
/// Operations of one patch.
pub const PATCH_OPERATIONS: usize = 1_000;
/// Namespaces that hold in one place of an XML Patch, or of the resource that it changes.
pub const PATCH_NAMESPACES: usize = 16;
/// Bytes that one patch may go through: the size of the resource, once per operation, and of what
/// an XML Patch puts in.
pub const PATCH_BYTES: usize = 1 << 30;
/// How often a patch begins again because its resource was changed meanwhile.
pub const PATCH_ATTEMPTS: usize = 256;
/// Bytes of the resources that the patches of one transaction, or of one round of a batch, make.
pub const BUNDLE_PATCH_BYTES: usize = 256 << 20;
/// Bytes of a string, as R4 limits it; base64Binary and the narrative are no strings.
pub const STRING_BYTES: usize = 1 << 20;
/// Units of UCUM whose scale is remembered; more are read each time.
pub const UCUM_UNITS: usize = 4_096;
/// Bytes of a unit of UCUM whose scale is remembered.
pub const UCUM_UNIT_BYTES: usize = 64;
/// Profiles that are tried inside each other, as references between resources lead to them.
pub const PROFILE_DEPTH: usize = 16;
/// Bytes of a FHIR package as it is given.
pub const PACKAGE_BYTES: usize = 64 << 20;
/// Bytes that a FHIR package may unpack to. HL7's terminology has 71 MB.
pub const PACKAGE_UNPACKED_BYTES: u64 = 512 << 20;
/// Files of a FHIR package.
pub const PACKAGE_MEMBERS: usize = 50_000;
/// Spellings under which the codes of a token are looked up one by one where case means nothing; of
/// more, all values of their systems are looked at.
pub const TOKEN_SPELLINGS: usize = 1_024;
/// Steps of a chain, or conditions in each other's parentheses.
pub const SEARCH_HOPS: usize = 8;
/// Keys of a sort.
pub const SORT_KEYS: usize = 10;
/// Resources that `:above` or `:below` of a reference may find in a hierarchy.
pub const HIERARCHY_MOST: usize = 1_000;
/// Resources that a page includes, or a page of includes.
pub const INCLUDES_MOST: usize = 1_000;
/// Matches of `$everything` before a page up to which the page leaves out what they included.
pub const EVERYTHING_BEFORE: usize = 10_000;
/// How often criteria are looked up again when what they are about changes meanwhile.
pub const GUARD_ATTEMPTS: usize = 256;
