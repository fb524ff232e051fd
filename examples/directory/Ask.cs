// May this person do this there? In C# with System.DirectoryServices.Protocols (.NET 8; on Linux it rests on libldap).
//
//   Ask directory.example 636 system.pfx PASSWORD-FILE 555000000017 B0420 A81001
//
// The authority of the server's certificate must be among those that the machine trusts (on Linux: LDAPTLS_CACERT).
// On Linux libldap wants the system's certificate in LDAPTLS_CERT and LDAPTLS_KEY instead of system.pfx.
// Ends with 0 for yes, 1 for no, and 2 when it is not known: treat that as no.

using System;
using System.DirectoryServices.Protocols;
using System.IO;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

string host = args[0], uid = args[4], activity = args[5], organisation = args[6];
// What becomes part of a DN is checked first: a value of another form could change what is asked.
if (!Regex.IsMatch(uid, @"\A[0-9]{12}\z") || !Regex.IsMatch(activity + organisation, @"\A[A-Za-z0-9._-]+\z"))
{
    Console.Error.WriteLine("A user id has 12 digits, a code letters and digits.");
    return 2;
}
try
{
    // Keep the connection in a real program: connecting is dear.
    using var directory = new LdapConnection(new LdapDirectoryIdentifier(host, int.Parse(args[1])));
    directory.SessionOptions.ProtocolVersion = 3;
    directory.SessionOptions.SecureSocketLayer = true;
    directory.ClientCertificates.Add(new X509Certificate2(args[2], File.ReadAllText(args[3]).Trim()));
    directory.AuthType = AuthType.External;  // be who the certificate says
    directory.Timeout = TimeSpan.FromSeconds(5);
    directory.Bind();
    bool allowed = May(directory, uid, activity, organisation);
    Console.WriteLine(allowed ? "yes" : "no");
    return allowed ? 0 : 1;
}
catch (Exception why) when (why is LdapException or DirectoryOperationException)
{
    Console.Error.WriteLine($"Not known: {why.Message}");
    return 2;
}

static bool May(LdapConnection directory, string uid, string activity, string organisation)
{
    var answer = Compare(directory, $"uid={uid},ou=People,o=nhs", "spineAccess", $"{organisation}:{activity}");
    if (answer == ResultCode.CompareTrue) return true;
    if (answer is ResultCode.CompareFalse or ResultCode.NoSuchAttribute) return false;
    // Nobody of that id; but to a system that may see nobody, everybody looks unknown.
    if (answer == ResultCode.NoSuchObject
        && Compare(directory, "ou=People,o=nhs", "ou", "People") == ResultCode.CompareTrue) return false;
    throw new LdapException((int)answer, "the role check was not answered");
}

static ResultCode Compare(LdapConnection directory, string entry, string attribute, string value)
{
    try
    {
        return directory.SendRequest(new CompareRequest(entry, attribute, value)).ResultCode;
    }
    catch (DirectoryOperationException refused) when (refused.Response is not null)
    {
        return refused.Response.ResultCode;  // .NET throws for noSuchObject and the like
    }
}
