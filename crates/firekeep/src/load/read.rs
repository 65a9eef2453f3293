//! Reads files piece by piece: at any moment only a few bundles, or a few lines, are in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use base::limits;
use tokio::sync::mpsc;

use super::files::{self, Format, Group, Source};
use super::progress::Progress;

/// Something to send.
pub(crate) struct Item {
    /// Where it stands: `FILE`, or `FILE:LINE`.
    pub(crate) name: String,
    pub(crate) body: Vec<u8>,
    /// One line of an NDJSON file.
    pub(crate) is_line: bool,
}

/// What the reader hands on: an item, or a file that cannot be read.
pub(crate) type Piece = Result<Item, Unreadable>;

/// A file that could not be read (to its end), and why.
pub(crate) struct Unreadable {
    pub(crate) name: String,
    pub(crate) why: anyhow::Error,
}

/// The receiver is gone: the load was given up.
struct GivenUp;

enum Stop {
    GivenUp,
    Broken(anyhow::Error),
}

impl From<GivenUp> for Stop {
    fn from(_: GivenUp) -> Self {
        Self::GivenUp
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

/// Reads the files of one group, in order. Blocks while the channel is full, which bounds the
/// memory.
pub(crate) fn read(
    sources: &[Source],
    group: Group,
    sink: &mpsc::Sender<Piece>,
    progress: &Arc<Progress>,
) {
    for source in sources {
        let name = files::file_name(&source.path);
        let archive = source.format == Format::Tar;
        if !archive && Group::of(&name) != group {
            continue;
        }
        // An archive is read once per group; only the last reading counts as progress, and tells
        // where it is damaged: it meets the same damage.
        let last = !archive || group == Group::Rest;
        let reader = Reader { sink, progress, group };
        match reader.source(source, last) {
            Ok(()) => {}
            Err(Stop::GivenUp) => return,
            Err(Stop::Broken(_)) if !last => {}
            Err(Stop::Broken(why)) => {
                let name = source.path.display().to_string();
                if sink.blocking_send(Err(Unreadable { name, why })).is_err() {
                    return;
                }
            }
        }
    }
}

struct Reader<'r> {
    sink: &'r mpsc::Sender<Piece>,
    progress: &'r Arc<Progress>,
    group: Group,
}

impl Reader<'_> {
    fn source(&self, source: &Source, counted: bool) -> Result<(), Stop> {
        let file = File::open(&source.path)
            .with_context(|| format!("cannot open {}", source.path.display()))?;
        let file = Counting { file, progress: counted.then(|| Arc::clone(self.progress)) };
        let reader: Box<dyn Read> = if source.compressed {
            let decoder = zstd::stream::read::Decoder::new(file);
            Box::new(decoder.context("it is not zstd")?)
        } else {
            Box::new(file)
        };
        let name = source.path.display().to_string();
        match source.format {
            Format::Json => self.json(name, reader),
            Format::Ndjson => self.lines(&name, reader),
            Format::Tar => self.tar(reader),
        }
    }

    fn tar(&self, reader: Box<dyn Read>) -> Result<(), Stop> {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries().context("it is no tar archive")? {
            let entry = entry.context("the archive is damaged")?;
            let path = entry.path().context("the archive is damaged")?.into_owned();
            let name = path.display().to_string();
            let format = files::format(&files::file_name(&path));
            let wanted = Group::of(&files::file_name(&path)) == self.group;
            if !wanted || !entry.header().entry_type().is_file() {
                continue;
            }
            match format {
                Some((Format::Json, false)) => self.json(name, entry)?,
                Some((Format::Ndjson, false)) => self.lines(&name, entry)?,
                Some((Format::Json, true)) => self.json(name, inflate(entry)?)?,
                Some((Format::Ndjson, true)) => self.lines(&name, inflate(entry)?)?,
                Some((Format::Tar, _)) | None => {}
            }
        }
        Ok(())
    }

    fn json(&self, name: String, reader: impl Read) -> Result<(), Stop> {
        self.progress.file();
        let mut body = Vec::new();
        let most = u64::try_from(limits::BODY_BYTES).unwrap_or(u64::MAX);
        reader.take(most + 1).read_to_end(&mut body).context("it cannot be read to its end")?;
        if body.len() > limits::BODY_BYTES {
            return self.give(Err(too_large(name)));
        }
        self.give(Ok(Item { name, body, is_line: false }))
    }

    fn lines(&self, name: &str, reader: impl Read) -> Result<(), Stop> {
        self.progress.file();
        let mut reader = BufReader::new(reader);
        let most = u64::try_from(limits::BODY_BYTES).unwrap_or(u64::MAX);
        for number in 1_u64.. {
            let mut body = Vec::new();
            let line = reader.by_ref().take(most + 1).read_until(b'\n', &mut body);
            if line.context("it cannot be read to its end")? == 0 {
                break;
            }
            let name = format!("{name}:{number}");
            if body.len() > limits::BODY_BYTES {
                return self.give(Err(too_large(name)));
            }
            if !body.trim_ascii().is_empty() {
                self.give(Ok(Item { name, body, is_line: true }))?;
            }
        }
        Ok(())
    }

    fn give(&self, piece: Piece) -> Result<(), Stop> {
        self.sink.blocking_send(piece).map_err(|_receiver_gone| GivenUp.into())
    }
}

fn inflate<'e>(entry: impl Read + 'e) -> Result<impl Read + 'e> {
    zstd::stream::read::Decoder::new(entry).context("an entry is not zstd")
}

fn too_large(name: String) -> Unreadable {
    let most = limits::BODY_BYTES >> 20;
    Unreadable { name, why: anyhow!("it is larger than {most} MiB, which no server takes") }
}

/// Tells how many bytes of the file on the disk were read.
struct Counting {
    file: File,
    progress: Option<Arc<Progress>>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if let Some(progress) = &self.progress {
            progress.bytes(u64::try_from(read).unwrap_or(0));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn names(path: PathBuf, group: Group) -> Vec<String> {
        let sources = files::collect(&[path]).unwrap();
        let (sink, mut pieces) = mpsc::channel(100);
        let progress = Arc::new(Progress::silent());
        read(&sources, group, &sink, &progress);
        drop(sink);
        let name = |piece: Piece| match piece {
            Ok(item) => format!("{} {}", item.name, String::from_utf8(item.body).unwrap().trim()),
            Err(unreadable) => format!("{} failed", unreadable.name),
        };
        std::iter::from_fn(|| pieces.blocking_recv()).map(name).collect()
    }

    #[test]
    fn an_archive_gives_each_group_in_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.tar.zst");
        let mut archive = tar::Builder::new(Vec::new());
        for (name, text) in
            [("d/A.json", "{}"), ("d/hospitalInformation1.json", "[]"), ("d/P.ndjson", "1\n\n2\n")]
        {
            let mut header = tar::Header::new_gnu();
            header.set_size(u64::try_from(text.len()).unwrap());
            header.set_mode(0o600);
            archive.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        let bytes = archive.into_inner().unwrap();
        std::fs::write(&path, zstd::encode_all(bytes.as_slice(), 1).unwrap()).unwrap();
        assert_eq!(names(path.clone(), Group::First), ["d/hospitalInformation1.json []"]);
        assert_eq!(names(path, Group::Rest), ["d/A.json {}", "d/P.ndjson:1 1", "d/P.ndjson:3 2"]);
    }

    #[test]
    fn a_damaged_archive_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.tar.zst");
        std::fs::write(&path, "not zstd").unwrap();
        assert!(names(path.clone(), Group::First).is_empty());
        assert_eq!(names(path.clone(), Group::Rest), [format!("{} failed", path.display())]);
    }

    #[test]
    fn a_damaged_file_is_told_and_the_next_is_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.json.zst"), "not zstd").unwrap();
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        assert!(names(folder.path().to_owned(), Group::First).is_empty());
        let found = names(folder.path().to_owned(), Group::Rest);
        let first = found.first().unwrap();
        assert!(first.ends_with("a.json.zst failed"), "{found:?}");
        assert!(found.get(1).unwrap().ends_with("b.json {}"), "{found:?}");
    }
}
