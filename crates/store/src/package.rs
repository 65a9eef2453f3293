//! Packages of definitions that a service has beside its resources. What is in them is for others
//! to know.

/// A package as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptPackage {
    /// Its name within the service; what has the same name is replaced.
    pub name: String,
    /// What is shown in lists.
    pub about: Vec<u8>,
    /// What every start needs of it.
    pub pack: Vec<u8>,
}

/// A row of the table `package`: order, about, pack, archive.
pub(crate) struct PackageRow<'r> {
    /// Rises with every package that was added.
    pub(crate) order: u64,
    pub(crate) about: &'r [u8],
    pub(crate) pack: &'r [u8],
    /// As it was given; read only when the pack cannot be.
    pub(crate) archive: &'r [u8],
}

impl<'r> PackageRow<'r> {
    /// Order (8), bytes of about (4), about, bytes of pack (4), pack, archive.
    pub(crate) fn write(&self) -> Option<Vec<u8>> {
        let length = |part: &[u8]| u32::try_from(part.len()).ok().map(u32::to_be_bytes);
        let (about, pack) = (length(self.about)?, length(self.pack)?);
        let order = self.order.to_be_bytes();
        Some([&order, &about[..], self.about, &pack, self.pack, self.archive].concat())
    }

    pub(crate) fn read(row: &'r [u8]) -> Option<Self> {
        let (order, rest) = row.split_first_chunk::<8>()?;
        let (about, rest) = part(rest)?;
        let (pack, archive) = part(rest)?;
        Some(Self { order: u64::from_be_bytes(*order), about, pack, archive })
    }
}

fn part(row: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = row.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_documented_bytes_and_read_back() {
        let row = PackageRow { order: 2, about: b"ab", pack: b"p", archive: b"rest" };
        let bytes = row.write().unwrap();
        assert_eq!(bytes, b"\0\0\0\0\0\0\0\x02\0\0\0\x02ab\0\0\0\x01prest");
        let read = PackageRow::read(&bytes).unwrap();
        assert_eq!((read.order, read.about, read.pack), (2, &b"ab"[..], &b"p"[..]));
        assert_eq!(read.archive, b"rest");
        (0..bytes.len() - 4).for_each(|end| assert!(PackageRow::read(&bytes[..end]).is_none()));
    }
}
