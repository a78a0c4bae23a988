//! An OpenLDAP server of one's own: a database in a temporary folder, gone when dropped.

use ldap3::LdapConn;
use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub const ADMIN: &str = "cn=admin,dc=example,dc=com";
/// Reads, and gets no more than 100 entries of a search unless it is paged.
pub const READER: &str = "cn=reader,dc=example,dc=com";
pub const PASSWORD: &str = "not a secret";

/// A running server.
pub struct Slapd {
    pub port: u16,
    pub tls_port: u16,
    folder: TempDir,
    process: Child,
}

impl Slapd {
    /// Loads `ldif` below `dc=example,dc=com` and starts the server; `None`, said so, where
    /// OpenLDAP is not installed.
    pub fn start(ldif: &str) -> Option<Slapd> {
        let Some((slapd, slapadd)) = program("slapd").zip(program("slapadd")) else {
            println!("SKIPPED: slapd is not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("parlance-slapd").tempdir().expect("a folder");
        let conf = write_files(folder.path(), ldif);
        let mut added = Command::new(slapadd);
        added.arg("-q").arg("-f").arg(&conf).arg("-l").arg(folder.path().join("data.ldif"));
        let added = added.output().expect("it was found");
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let (port, tls_port) = (free_port(), free_port());
        let urls = format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/");
        // With a level of debugging it stays in the foreground.
        let mut process = Command::new(slapd);
        process.arg("-f").arg(&conf).args(["-h", &urls, "-d", "0"]);
        let process = process.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut slapd = Slapd { port, tls_port, folder, process: process.expect("it was found") };
        slapd.wait();
        Some(slapd)
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file with what [`READER`] says to be let in.
    pub fn password_file(&self) -> PathBuf {
        let file = self.folder().join("password");
        std::fs::write(&file, format!("{PASSWORD}\n")).expect("writes");
        file
    }

    /// A connection that may change everything.
    pub fn admin(&self) -> LdapConn {
        let mut connection = LdapConn::new(&self.url()).expect("it listens");
        let bound = connection.simple_bind(ADMIN, PASSWORD).expect("it answers");
        assert_eq!(bound.rc, 0, "{bound:?}");
        connection
    }

    fn wait(&mut self) {
        for _ in 0..2_000 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            assert_eq!(self.process.try_wait().expect("ours"), None, "slapd ended");
            // tidy: paces
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("slapd does not listen");
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The entry of a person; `more` are whole lines.
pub fn user_entry(dn: &str, uid: &str, more: &str) -> String {
    let classes = "objectClass: inetOrgPerson\nobjectClass: posixAccount";
    let numbers = "uidNumber: 1\ngidNumber: 1\nhomeDirectory: /";
    format!("dn: {dn}\n{classes}\ncn: {uid}\nsn: {uid}\nuid: {uid}\n{numbers}\n{more}\n")
}

/// The entry of a group with these members.
pub fn group_entry(dn: &str, cn: &str, members: &[&str]) -> String {
    let members: String = members.iter().map(|dn| format!("member: {dn}\n")).collect();
    format!("dn: {dn}\nobjectClass: groupOfNames\ncn: {cn}\n{members}\n")
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin".into(), "/usr/libexec".into()]);
    folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("bound").port()
}

/// Configuration, certificate and data.
fn write_files(folder: &Path, ldif: &str) -> PathBuf {
    std::fs::create_dir(folder.join("db")).expect("a new folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a name");
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).expect("writes");
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).expect("writes");
    let at = folder.display();
    let mut conf = String::new();
    for schema in ["core", "cosine", "nis", "inetorgperson"] {
        writeln!(conf, "include /etc/ldap/schema/{schema}.schema").expect("memory");
    }
    write!(
        conf,
        "pidfile {at}/pid\nargsfile {at}/args\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         TLSCertificateFile {at}/tls.crt\nTLSCertificateKeyFile {at}/tls.key\n\
         database mdb\nsuffix dc=example,dc=com\nrootdn \"{ADMIN}\"\nrootpw \"{PASSWORD}\"\n\
         directory {at}/db\nmaxsize 1073741824\ndbnosync\n\
         index objectClass,entryCSN,entryUUID,uid,member,uniqueMember,memberUid eq\n\
         sizelimit size.soft=100 size.hard=100 size.pr=1000 size.prtotal=unlimited\n\
         access to * by dn.exact=\"{READER}\" read by * auth\n"
    )
    .expect("memory");
    std::fs::write(folder.join("slapd.conf"), conf).expect("writes");
    let top = format!(
        "dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\n\
         o: Example\n\n\
         dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n\
         cn: reader\nuserPassword: {PASSWORD}\n\n"
    );
    std::fs::write(folder.join("data.ldif"), top + ldif).expect("writes");
    folder.join("slapd.conf")
}
