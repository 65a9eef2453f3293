//! The stories: one binary, one module per subject, each talking to a real `firekeep` over HTTP.

mod allowed_object_ids;
mod backup;
mod bad_input;
mod bundle;
mod crash;
mod edge;
mod fhirpath;
mod fhirpath_operation;
mod full_disk;
mod history;
mod limits;
mod load;
mod metadata;
mod packages;
mod patch;
mod patient;
mod powershell;
mod resource_manager;
mod search;
mod secrets;
mod sign_in;
mod the_page;
mod tokens;
mod validate;
mod validation;
mod xml;
