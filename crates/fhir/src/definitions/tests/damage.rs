//! Packs that were cut, changed or are something else: an error that says so, never a panic.

use proptest::prelude::*;

use crate::definitions::{Definitions, PackError, R4};

fn check(bytes: Vec<u8>, expected: &PackError) {
    assert_eq!(Definitions::load(bytes).err().as_ref(), Some(expected));
}

#[test]
fn what_is_no_pack_is_refused() {
    check(Vec::new(), &PackError::NotAPack);
    check(b"PK\x03\x04 and so on".to_vec(), &PackError::NotAPack);
    check(b"FHIRPACK".to_vec(), &PackError::Damaged);
    let mut later = R4.to_vec();
    later[8] = 200;
    check(later, &PackError::Format(200));
    assert_eq!(
        PackError::Format(200).to_string(),
        "a pack of layout 200, and this program reads 2; make it anew with cargo xtask gen"
    );
}

#[test]
fn a_pack_that_was_cut_is_refused_wherever_it_was_cut() {
    for length in (12..R4.len()).step_by(R4.len() / 97).chain([R4.len() - 1]) {
        check(R4[..length].to_vec(), &PackError::Damaged);
    }
    let mut longer = R4.to_vec();
    longer.push(0);
    check(longer, &PackError::Damaged);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte_is_noticed(place in 12..R4.len(), change in 1..=255_u8) {
        let mut bytes = R4.to_vec();
        bytes[place] ^= change;
        prop_assert_eq!(Definitions::load(bytes).err(), Some(PackError::Damaged));
    }

    /// Behind a right sum may be anything: a section that its writer got wrong.
    #[test]
    fn a_section_of_anything_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        use crate::definitions::rows::Section;
        prop_assert!(crate::definitions::types::Types::decode(&bytes).is_none());
        prop_assert!(crate::definitions::structures::Structures::decode(&bytes).is_none());
    }
}

#[test]
fn a_pack_without_a_section_says_which() {
    use crate::definitions::pack::{self, About, Kind};
    let about = About::default();
    check(pack::write(&about, &[], 1).unwrap(), &PackError::Missing("types"));
    let wrong = pack::write(&about, &[(Kind::Types, vec![7; 20])], 1).unwrap();
    check(wrong, &PackError::DamagedSection("types"));
}

#[test]
fn every_section_of_r4_decodes() {
    let definitions = Definitions::load(R4).unwrap();
    assert_eq!(definitions.load_all(), Ok(()));
    assert!(definitions.about().licence.starts_with("CC0-1.0"));
}
