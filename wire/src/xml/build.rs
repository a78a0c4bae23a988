//! From the parser's events to a tree of elements.

use super::unescape::{Run, resolve};
use super::{Element, XmlError, tag};
use crate::limits::XML_DEPTH_MAX;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::ops::Range;

/// Builds the tree of a document that has passed the prescan.
pub(super) fn build(document: &str, elements_max: usize) -> Result<Element<'_>, XmlError> {
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_comments = true;
    let mut builder = Builder::new(elements_max);
    loop {
        let start = position(&reader);
        let event = reader.read_event().map_err(|_| XmlError::Malformed)?;
        // Events lend their content only for their own life: the document's is what we keep.
        let source = |head: usize, tail: usize| {
            let span = Range { start: start + head, end: position(&reader).saturating_sub(tail) };
            document.get(span).ok_or(XmlError::Malformed)
        };
        match event {
            Event::Start(_) => builder.open(tag::read(source(1, 1)?)?)?,
            Event::Empty(_) => {
                builder.open(tag::read(source(1, 2)?)?)?;
                builder.close()?;
            }
            Event::End(_) => builder.close()?,
            Event::Text(_) => builder.text(source(0, 0)?)?,
            Event::CData(_) => builder.cdata(source(9, 3)?)?,
            Event::GeneralRef(_) => builder.reference(source(1, 1)?)?,
            Event::Comment(_) | Event::Decl(_) => {}
            Event::PI(_) | Event::DocType(_) => return Err(XmlError::Forbidden),
            Event::Eof => return builder.finish(),
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    // The document is in memory, so its offsets fit.
    reader.buffer_position() as usize
}

/// The path of open elements, and the root once it is closed.
struct Builder<'a> {
    open: Vec<Element<'a>>,
    root: Option<Element<'a>>,
    run: Run,
    elements: usize,
    elements_max: usize,
}

impl<'a> Builder<'a> {
    fn new(elements_max: usize) -> Self {
        let open = Vec::with_capacity(XML_DEPTH_MAX);
        Builder { open, root: None, run: Run::text(), elements: 0, elements_max }
    }

    fn open(&mut self, element: Element<'a>) -> Result<(), XmlError> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(XmlError::Malformed);
        }
        if self.open.len() == XML_DEPTH_MAX {
            return Err(XmlError::TooDeep);
        }
        self.elements += 1;
        if self.elements > self.elements_max {
            return Err(XmlError::TooManyElements);
        }
        self.run = Run::text();
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let element = self.open.pop().ok_or(XmlError::Malformed)?;
        self.run = Run::text();
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, raw: &'a str) -> Result<(), XmlError> {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        match self.open.last_mut() {
            Some(element) => self.run.append(&mut element.text, raw),
            None if raw.chars().all(blank) => {}
            None => return Err(XmlError::Malformed),
        }
        Ok(())
    }

    fn cdata(&mut self, raw: &'a str) -> Result<(), XmlError> {
        let element = self.open.last_mut().ok_or(XmlError::Malformed)?;
        self.run.append(&mut element.text, raw);
        Ok(())
    }

    fn reference(&mut self, name: &str) -> Result<(), XmlError> {
        let element = self.open.last_mut().ok_or(XmlError::Malformed)?;
        if let Some(c) = resolve(name)? {
            self.run.push_char(element.text.to_mut(), c);
        }
        Ok(())
    }

    fn finish(self) -> Result<Element<'a>, XmlError> {
        if !self.open.is_empty() {
            return Err(XmlError::Malformed);
        }
        self.root.ok_or(XmlError::Malformed)
    }
}
