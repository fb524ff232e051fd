// May this person do this there? In Java with JNDI, which needs nothing besides the JDK (17).
//
//   java Ask.java ldaps://directory.example:636 authority.p12 system.p12 PASSWORD-FILE 555000000017 B0420 A81001
//
// authority.p12 holds the authority of the server's certificate (keytool -importcert), system.p12 the system's own
// certificate and key (openssl pkcs12 -export); one password opens both. The JDK checks the server's name itself.
// Ends with 0 for yes, 1 for no, and 2 when it is not known: treat that as no.

import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Hashtable;
import javax.naming.Context;
import javax.naming.NameNotFoundException;
import javax.naming.NamingException;
import javax.naming.directory.SearchControls;
import javax.naming.ldap.InitialLdapContext;
import javax.naming.ldap.LdapContext;

public class Ask {
    public static void main(String[] given) throws Exception {
        String uid = given[4], activity = given[5], organisation = given[6];
        // What becomes part of a DN or a filter is checked first: another form could change what is asked.
        if (!uid.matches("[0-9]{12}") || !activity.matches("[A-Za-z0-9._-]+") || !organisation.matches("[A-Za-z0-9._-]+")) {
            System.err.println("A user id has 12 digits, a code letters and digits.");
            System.exit(2);
        }
        trust(given[1], given[2], Files.readString(Path.of(given[3])).strip());
        try {
            LdapContext directory = connect(given[0]);  // Keep it in a real program: connecting is dear.
            boolean allowed = may(directory, uid, activity, organisation);
            directory.close();
            System.out.println(allowed ? "yes" : "no");
            System.exit(allowed ? 0 : 1);
        } catch (NamingException why) {
            System.err.println("Not known: " + why);
            System.exit(2);
        }
    }

    /** A search of scope "object" with one equality is what JNDI turns into an LDAP Compare (RFC 4511 section 4.10). */
    static boolean compare(LdapContext directory, String entry, String attribute, String value) throws NamingException {
        SearchControls asCompare = new SearchControls();
        asCompare.setSearchScope(SearchControls.OBJECT_SCOPE);
        asCompare.setReturningAttributes(new String[0]);
        return directory.search(entry, "(" + attribute + "={0})", new Object[] {value}, asCompare).hasMore();
    }

    static boolean may(LdapContext directory, String uid, String activity, String organisation) throws NamingException {
        try {
            return compare(directory, "uid=" + uid + ",ou=People,o=nhs", "spineAccess", organisation + ":" + activity);
        } catch (NameNotFoundException nobody) {
            // Nobody of that id; but to a system that may see nobody, everybody looks unknown.
            if (!compare(directory, "ou=People,o=nhs", "ou", "People")) throw nobody;
            return false;
        }
    }

    static LdapContext connect(String server) throws NamingException {
        Hashtable<String, String> wanted = new Hashtable<>();
        wanted.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.ldap.LdapCtxFactory");
        wanted.put(Context.PROVIDER_URL, server);
        wanted.put(Context.SECURITY_AUTHENTICATION, "EXTERNAL");  // be who the certificate says
        wanted.put("com.sun.jndi.ldap.connect.timeout", "5000");
        wanted.put("com.sun.jndi.ldap.read.timeout", "5000");  // without it a frozen server is waited for for ever
        return new InitialLdapContext(wanted, null);
    }

    /** JNDI takes its keys from the JVM's settings. */
    static void trust(String authority, String system, String password) throws Exception {
        KeyStore.getInstance("PKCS12").load(new FileInputStream(system), password.toCharArray());  // a clear error here
        System.setProperty("javax.net.ssl.trustStore", authority);
        System.setProperty("javax.net.ssl.trustStorePassword", password);
        System.setProperty("javax.net.ssl.keyStore", system);
        System.setProperty("javax.net.ssl.keyStorePassword", password);
    }
}
