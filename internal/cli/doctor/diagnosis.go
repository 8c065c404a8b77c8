package doctor

// side says who can mend something.
type side string

const (
	yours   side = "yours"
	network side = "network"
	service side = "service"
	unclear side = "yours or service"
)

// words says the same to people.
func (s side) words() string {
	switch s {
	case network:
		return "the network's"
	case service:
		return "the service's"
	case unclear:
		return "yours or the service's"
	}
	return string(s)
}

// diagnosis is what can be wrong. docs/errors.md has all of them.
type diagnosis struct {
	// code names it, for tickets and for people who search.
	code string
	// title says what is wrong in a few words.
	title string
	side  side
	// meaning says what that means.
	meaning string
	// next are the things to try, the first one first.
	next []string
	// alike are the codes of what looks the same from here, the likeliest first.
	alike []string
}

func find(code string) diagnosis {
	for _, d := range diagnoses {
		if d.code == code {
			return d
		}
	}
	return diagnosis{code: code, title: code, side: unclear} // a test rules it out
}

// diagnoses are in the order of the steps that find them.
var diagnoses = []diagnosis{
	{
		code: "configuration", title: "The configuration is not complete or not valid", side: yours,
		meaning: "A setting is missing, contradicts another one or cannot be used. Nothing was sent.",
		next:    []string{"Mend what is named here; 'd365backup help environment' has every setting."},
	},
	{
		code: "google-cloud", title: "The data center may not have Dynamics 365 backup", side: unclear,
		meaning: "The vendor lists the products in its Google Cloud data centers, and Dynamics 365 backup is not among them.",
		next:    []string{"If there are no jobs or the operation is not found, ask the vendor which data center holds the backups."},
	},
	{
		code: "proxy-setting", title: "The address of the proxy cannot be used", side: yours,
		meaning: "A variable of the environment should name a proxy, and its value is not an address. Nothing was sent.",
		next: []string{
			"Write it like http://user:password@proxy.example:8080. In user and password escape % as %25, # as %23, / as %2F, " +
				"? as %3F, @ as %40, : as %3A and a space as %20.",
			"If this host needs no proxy, unset it: NO_PROXY does not help.",
		},
	},
	{
		code: "unknown-host", title: "The host does not exist", side: yours,
		meaning: "The name server responded that there is no such host: a typing error in an address, or a network that does not " +
			"resolve public names.",
		next: []string{
			"Check the base URL and the token URL, or give a data center in their place.",
			"If the address is right, ask whether this network needs a proxy (HTTPS_PROXY).",
		},
	},
	{
		code: "name-service", title: "The name server does not respond", side: network,
		meaning: "The name of the host could not be resolved, and nothing says that it is wrong.",
		next:    []string{"Check the network connection and the name servers of this machine.", "Try again."},
	},
	{
		code: "unreachable", title: "The host cannot be reached", side: network,
		meaning: "No connection could be made: a firewall, a route that is missing, or nothing that listens there.",
		next: []string{
			"Ask whether this network lets port 443 out, or needs a proxy (HTTPS_PROXY).",
			"Check the address, if it is not a data centre's own.",
		},
	},
	{
		code: "proxy-unreachable", title: "The proxy cannot be reached", side: network,
		meaning: "HTTPS_PROXY names a proxy, and no connection to it could be made.",
		next: []string{
			"Check HTTPS_PROXY: host, port and whether the proxy runs.",
			"If this host can be reached without it, name the host in NO_PROXY.",
		},
	},
	{
		code: "proxy-refused", title: "The proxy does not let the connection through", side: network,
		meaning: "The proxy answered and refused to connect to the host. Status 407 means that it wants to know who asks.",
		next: []string{
			"For 407, put user and password into HTTPS_PROXY: http://user:password@proxy.example:8080.",
			"Otherwise ask for the host to be allowed on the proxy, or name it in NO_PROXY.",
		},
	},
	{
		code: "tls-untrusted", title: "The certificate of the host is not trusted", side: network,
		meaning: "It was signed by an authority that this machine does not trust. Mostly that is a proxy or a firewall that opens " +
			"TLS connections to look into them; at worst it is somebody who should not be there. No credential was sent.",
		next: []string{
			"Look at who issued the certificate. If it is your own organization, add its authority to the trusted ones of this machine " +
				"(on Linux SSL_CERT_FILE can name them).",
			"Or have the two hosts exempted from TLS inspection.",
			"If you do not know the issuer, tell those who run the network.",
		},
	},
	{
		code: "tls-wrong-host", title: "The certificate is that of another host", side: network,
		meaning: "Something else answers at this address: a proxy, a login page of the network, or an alias that leads astray.",
		next:    []string{"Check the address.", "Open it in a browser on this machine: a network that wants a login shows it there."},
	},
	{
		code: "tls-defective", title: "The certificate of the host has a defect", side: network,
		meaning: "Go does not accept it, whoever issued it: it has no subject alternative names, only a common name, or it breaks " +
			"the rules of its encoding. Mostly it is that of a proxy that inspects TLS.",
		next: []string{
			"Have those who run the host or the proxy issue a new one, with the name of the host among its subject alternative names.",
			"Or have the two hosts exempted from TLS inspection.",
		},
	},
	{
		code: "tls-expired", title: "The certificate of the host has expired", side: service,
		meaning: "By the clock of this machine it is no longer valid. If that clock is right, the other side must renew it.",
		next:    []string{"Check the date of this machine.", "If it is right, report this to those who run the host."},
	},
	{
		code: "tls-not-yet-valid", title: "The certificate of the host is not valid yet", side: yours,
		meaning: "By the clock of this machine its time has not come; so the clock is probably behind.",
		next:    []string{"Set the clock of this machine, and let it follow a time server."},
	},
	{
		code: "tls-version", title: "There is no TLS version that both sides speak", side: network,
		meaning: "The service documents TLS 1.2 and 1.3. What answers here offers neither: an old proxy, or another machine.",
		next:    []string{"Check the address.", "Ask for the two hosts to be exempted from TLS inspection."},
	},
	{
		code: "not-tls", title: "What answers does not speak TLS", side: network,
		meaning: "There is something at this address and port, but no https: a wrong port, or a proxy in between.",
		next:    []string{"Check the address and its port.", "Ask whether this network needs a proxy (HTTPS_PROXY)."},
	},
	{
		code: "tls-failed", title: "The TLS connection could not be made", side: network,
		meaning: "The connection was cut or refused while it was being secured, as firewalls do with hosts that are not allowed.",
		next:    []string{"Ask for both hosts to be allowed on the firewall.", "Try again, and from another network."},
	},
	{
		code: "tls-expires-soon", title: "The certificate of the host expires within 14 days", side: service,
		meaning: "Everything works, until it is not renewed in time.",
		next:    []string{"Nothing yet. Run the doctor again in a week."},
	},
	{
		code: "clock", title: "The clock of this machine and that of the host differ", side: yours,
		meaning: "Most software allows a few minutes. Beyond that a certificate's signed request is refused, tokens seem to expire " +
			"early or late, and a time range ends in the wrong place.",
		next: []string{"Set the clock of this machine, and let it follow a time server."},
	},
	{
		code: "no-answer", title: "No whole answer came", side: network,
		meaning: "The connection was made, and then nothing came, or it broke off.",
		next:    []string{"Try again.", "If it stays so, try from another network, then report it with the time and the host."},
	},
	{
		code: "secret-refused", title: "The client id or the client secret is refused", side: yours,
		meaning: "The token endpoint knows no app with this id and this secret. It does not say which of the two is wrong: a secret " +
			"that has expired, one that was cut off when it was copied, and the id of another app look the same.",
		next: []string{
			"Look at the app's registration: has the secret expired? Then make a new one.",
			"Copy the client id and the secret (its value, not its id) anew.",
			"Check that the app is registered in this environment: U.S. Government, AOS2 and FedRAMP have token endpoints of their own.",
		},
	},
	{
		code: "certificate-not-registered", title: "The certificate is refused", side: yours,
		meaning: "The token endpoint does not accept what was signed with this certificate: it was not uploaded to the app, or another " +
			"one was, it has expired there, or the client id is another app's.",
		next: []string{
			"Compare the thumbprint that is named here with the certificates in the app's registration, and upload this one if it is missing.",
			"Check the client id.",
		},
	},
	{
		code: "certificate-expired", title: "The certificate of the app has expired", side: yours,
		meaning: "It expired after it was loaded. Nothing was sent.",
		next:    []string{"Make a new one, upload it to the app's registration, and give it as --certificate."},
	},
	{
		code: "app-not-allowed", title: "The app may not ask for tokens in this way", side: yours,
		meaning: "The token endpoint knows the app and does not give it a token by client credentials, or not for this permission.",
		next: []string{
			"Check that the app is registered for application access, not for users who sign in.",
			"Have an administrator consent to its permission Dynamics.ReadWrite.All.",
		},
	},
	{
		code: "token-url", title: "There is no token endpoint at this address", side: yours,
		meaning: "What answers does not behave as a token endpoint.",
		next:    []string{"Leave the token URL out, so that the data center's own is used, or check it."},
	},
	{
		code: "scope", title: "The scope is refused", side: yours,
		meaning: "The credentials were not what was refused; the permission asked for was. The vendor's pages spell it in two ways, " +
			"Dynamics.ReadWrite.All and dynamics.readwrite.all, and case can count. An app without that permission looks the same.",
		next: []string{
			"Try the other spelling with --scope, alone: the vendor reports that it did not work beside others.",
			"Check that the app has the permission, with an administrator's consent.",
		},
	},
	{
		code: "token-refused", title: "The service does not accept the token", side: yours,
		meaning: "A token was given and the API refuses it (status 401): it comes from another environment than the API, or the clocks differ.",
		next: []string{
			"Check that token URL and data centre belong together: leave the token URL out.",
			"Check the clock, and that the app still exists.",
		},
	},
	{
		code: "missing-permission", title: "The app may not read jobs", side: yours,
		meaning: "The service knows who asks, and refuses (status 403). Sister services answer 404 for the same.",
		next: []string{
			"Give the app the application permission Dynamics.ReadWrite.All, with an administrator's consent.",
			"Wait some minutes after the consent: tokens live for up to an hour.",
		},
	},
	{
		code: "not-found", title: "Nothing answers at this path", side: unclear,
		meaning: "The host is there and answers 404. A wrong data centre, a missing permission and a product without a licence are " +
			"reported to look alike, and nothing in the answer tells them apart.",
		next: []string{
			"Go through that list from its top.",
			"If none of it helps, send the vendor this report with the request id.",
		},
		alike: []string{"v1-replaced", "wrong-data-center", "missing-permission", "unlicensed-product"},
	},
	{
		code: "v1-replaced", title: "Version v1 is gone, and its successor answers", side: service,
		meaning: "The vendor replaced POST /api/OpenApi/GetJobs by GET /dynamicsbackup/jobs. It gives the same jobs.",
		next:    []string{"Set api: graph in the profile, or D365BACKUP_API=graph, or give --api graph."},
	},
	{
		code: "no-successor", title: "The successor is not there, and version v1 answers", side: service,
		meaning: "This service speaks version v1 and not yet GET /dynamicsbackup/jobs.",
		next:    []string{"Give --api v1, or leave --api out."},
	},
	{
		code: "wrong-data-center", title: "Wrong data centre", side: yours,
		meaning: "The tenant's backups are held elsewhere, and this host does not know it.",
		next: []string{
			"Ask whoever set the backup up where its data is held, and give that as --data-center. No other one is tried by itself: " +
				"the token would go there.",
		},
	},
	{
		code: "unlicensed-product", title: "The tenant has no licence for the product", side: yours,
		meaning: "Cloud Backup for Dynamics 365 is not, or no longer, licensed for the tenant that the app belongs to.",
		next:    []string{"Look at the subscription in AvePoint Online Services: is the product there, and has it expired?"},
	},
	{
		code: "request-refused", title: "The service refuses the request", side: service,
		meaning: "It does not accept what it documents. The API may have changed.",
		next:    []string{"Try the other API with --api.", "Report it with the request id."},
	},
	{
		code: "throttled", title: "There were too many requests", side: service,
		meaning: "The service wants a pause (status 429). The other commands wait and try again; the doctor asks once.",
		next:    []string{"Try again later.", "Look for another program that uses the same app too often."},
	},
	{
		code: "server-error", title: "The service fails", side: service,
		meaning: "It, or a gateway before it, answers with a status of 500 or more. The other commands try again; the doctor asks once.",
		next:    []string{"Try again later.", "If it stays so, report it with the request id."},
	},
	{
		code: "redirect", title: "The answer points elsewhere", side: network,
		meaning: "A redirect is never followed, so that neither secret nor token goes astray. Mostly it leads to a login page of the network.",
		next: []string{
			"Open the address in a browser on this machine, and sign in to the network.",
			"Check the address.",
		},
	},
	{
		code: "login-page", title: "A web page comes in place of the service's response", side: network,
		meaning: "The response is HTML, or has status 511: a proxy or a network that wants you to sign in, or a page that blocks.",
		next: []string{
			"Open the address in a browser on this machine, and sign in to the network.",
			"Ask for the host to be allowed on the proxy.",
			"Check the address.",
		},
	},
	{
		code: "not-jobs", title: "The answer is no list of jobs", side: service,
		meaning: "It is JSON, but not what the documents describe. It is never taken for an empty list.",
		next: []string{
			"Check the address, if it is not a data centre's own.",
			"Report it with the request id: the API may have changed.",
		},
	},
	{
		code: "truncated", title: "The answer broke off", side: network,
		meaning: "It ended before its end, so that jobs would be missing. It is never taken for the whole.",
		next:    []string{"Try again.", "If it stays so, ask for a smaller page with --page-size."},
	},
	{
		code: "too-large", title: "The answer is too large", side: service,
		meaning: "It exceeds the limit that protects this machine's memory.",
		next:    []string{"Ask for a smaller page with --page-size."},
	},
	{
		code: "no-jobs", title: "The service has no job of the last 30 days", side: unclear,
		meaning: "Everything works, and the list is empty. Backups run daily as a rule, so this may be the wrong place.",
		next: []string{
			"Check that the data centre and the app are those of the tenant that is backed up.",
			"Look for older jobs: d365backup jobs --since 365d.",
		},
	},
	{
		code: "unknown", title: "Something else went wrong", side: unclear,
		meaning: "The doctor has no name for this.",
		next:    []string{"Read what was seen.", "Try again, and report it if it stays so."},
	},
}
