//! Numbers in as few bytes as they need: LEB128, seven bits a byte, the lowest first; the highest
//! bit says that another follows.

pub(crate) fn write(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

/// The number that `from` begins with, which is then what follows it. `None` when it has more than
/// `most` bytes, or is too large.
pub(crate) fn read(from: &mut &[u8], most: u32) -> Option<u64> {
    let mut number = 0;
    for shift in (0..7 * most).step_by(7) {
        let byte = from.split_off_first()?;
        let bits = u64::from(byte & 0x7f);
        if (bits << shift) >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(number: u64, small in 0_u64..1_000) {
            for number in [number, small, 0, u64::MAX] {
                let mut bytes = Vec::new();
                write(number, &mut bytes);
                let mut left = &bytes[..];
                prop_assert_eq!(read(&mut left, 10), Some(number));
                prop_assert!(left.is_empty());
            }
        }
    }

    #[test]
    fn what_is_too_long_or_too_large_is_none() {
        let check = |mut bytes: &[u8], most, expected| assert_eq!(read(&mut bytes, most), expected);
        check(&[], 10, None);
        check(&[0x80], 10, None);
        check(&[0x80, 0x80, 0x80, 0x80, 0], 5, Some(0));
        check(&[0x80, 0x80, 0x80, 0x80, 0x80, 0], 5, None);
        check(&[[0xff; 9].as_slice(), &[1]].concat(), 10, Some(u64::MAX));
        check(&[[0xff; 9].as_slice(), &[2]].concat(), 10, None);
    }
}
