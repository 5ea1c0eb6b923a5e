r"""The shapes of the 89 types of credentials that a public scanner knows, written down apart from our own table.

One line a type: its name, and a regular expression to make samples from. A group is the secret where that is not all.
Left out is the bare alternative of Sourcegraph's tokens: 40 hexadecimal digits are the name of a commit, too.
"""

TYPES: dict[str, str] = dict(
    line.split(maxsplit=1)
    for line in r"""
1password-secret-key                    A3-[A-Z0-9]{6}-[A-Z0-9]{11}(?:-[A-Z0-9]{5}){3}
age-secret-key                          AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}
anthropic-admin-api-key                 sk-ant-admin01-[\w-]{93}AA
anthropic-api-key                       sk-ant-api03-[\w-]{93}AA
artifactory-api-key                     AKCp[A-Za-z0-9]{69}
artifactory-reference-token             cmVmd[A-Za-z0-9]{59}
atlassian-api-token                     ATATT3[\w=-]{186}
aws-access-token                        (?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}
aws-amazon-bedrock-api-key-short-lived  bedrock-api-key-[Y]mVkcm9jay5hbWF6b25hd3MuY29t
azure-ad-client-secret                  [\w~.]{3}\dQ~[\w~.-]{31,34}
clickhouse-cloud-api-secret-key         4b1d[A-Za-z0-9]{38}
clojars-api-token                       CLOJARS_[a-z0-9]{60}
cloudflare-origin-ca-key                v1\.0-[a-f0-9]{24}-[a-f0-9]{146}
curl-auth-user                          curl[ ](?:-s[ ])?(?:-u|--user)[ ]([a-z]{4,9}:[A-Za-z0-9]{8,12})
databricks-api-token                    dapi[a-f0-9]{32}(?:-\d)?
digitalocean-access-token               doo_v1_[a-f0-9]{64}
digitalocean-pat                        dop_v1_[a-f0-9]{64}
digitalocean-refresh-token              dor_v1_[a-f0-9]{64}
facebook-access-token                   \d{15,16}[|%][0-9A-Za-z_-]{27,40}
flyio-access-token                      fo1_[\w-]{43}|(?:fm1[ar]|fm2)_[A-Za-z0-9+/]{100,120}={0,3}
gcp-api-key                             AIza[\w-]{35}
github-app-token                        gh[us]_[0-9A-Za-z]{36}
github-fine-grained-pat                 github_pat_\w{82}
github-oauth                            gho_[0-9A-Za-z]{36}
github-pat                              ghp_[0-9A-Za-z]{36}
github-refresh-token                    ghr_[0-9A-Za-z]{36}
gitlab-cicd-job-token                   glcbt-[0-9A-Za-z]{1,5}_[\w-]{20}
gitlab-deploy-token                     gldt-[\w-]{20}
gitlab-feature-flag-client-token        glffct-[\w-]{20}
gitlab-feed-token                       glft-[\w-]{20}
gitlab-incoming-mail-token              glimt-[\w-]{25}
gitlab-kubernetes-agent-token           glagent-[\w-]{50}
gitlab-oauth-app-secret                 gloas-[\w-]{64}
gitlab-pat                              glpat-[\w-]{20}
gitlab-pat-routable                     glpat-[\w-]{27,60}\.[0-9a-z]{9}
gitlab-ptt                              glptt-[0-9a-f]{40}
gitlab-rrt                              GR1348941[\w-]{20}
gitlab-runner-authentication-token      glrt-[\w-]{20}
gitlab-runner-authentication-token-routable  glrt-t\d_[\w-]{27,60}\.[0-9a-z]{9}
gitlab-scim-token                       glsoat-[\w-]{20}
gitlab-session-cookie                   _gitlab_session=[0-9a-z]{32}
grafana-api-key                         eyJrIjoi[A-Za-z0-9]{70,120}={0,2}
grafana-cloud-api-token                 glc_[A-Za-z0-9+/]{32,90}={0,2}
grafana-service-account-token           glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}
harness-api-key                         (?:pat|sat)\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}
hashicorp-tf-api-token                  [a-z0-9]{14}\.atlasv1\.[a-z0-9_=-]{60,70}
heroku-api-key-v2                       HRKU-AA[\w-]{58}
huggingface-access-token                hf_[A-Za-z]{34}
huggingface-organization-api-token      api_org_[A-Za-z]{34}
infracost-api-token                     ico-[A-Za-z0-9]{32}
jwt                                     ey[A-Za-z0-9]{17,40}\.ey[\w/-]{17,60}\.[\w/-]{10,40}={0,2}
maxmind-license-key                     [A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk
notion-api-token                        ntn_[0-9]{11}[A-Za-z0-9]{35}
npm-access-token                        npm_[A-Za-z0-9]{36}
octopus-deploy-api-key                  API-[A-Z0-9]{26}
openai-api-key                          sk-(?:proj|svcacct|admin)-[\w-]{74}T3Blbk[F]J[\w-]{74}|sk-\w{20}T3Blbk[F]J\w{20}
openshift-user-token                    sha256~[\w-]{43}
perplexity-api-key                      pplx-[A-Za-z0-9]{48}
planetscale-oauth-token                 pscale_oauth_[\w=.-]{32,64}
prefect-api-token                       pnu_[A-Za-z0-9]{36}
pulumi-api-token                        pul-[a-f0-9]{40}
pypi-upload-token                       pypi-[A]gEIcHlwaS5vcmc[\w-]{50,160}
readme-api-token                        rdme_[a-z0-9]{70}
rubygems-api-token                      rubygems_[a-f0-9]{48}
scalingo-api-token                      tk-us-[\w-]{48}
sentry-org-token                        sntrys_eyJpYXQiO[A-Za-z0-9+/]{40,90}={0,2}_[A-Za-z0-9+/]{43}
sentry-user-token                       sntryu_[a-f0-9]{64}
settlemint-application-access-token     sm_aat_[A-Za-z0-9]{16}
settlemint-personal-access-token        sm_pat_[A-Za-z0-9]{16}
settlemint-service-access-token         sm_sat_[A-Za-z0-9]{16}
shippo-api-token                        shippo_(?:live|test)_[a-fA-F0-9]{40}
shopify-access-token                    shpat_[a-fA-F0-9]{32}
shopify-custom-access-token             shpca_[a-fA-F0-9]{32}
shopify-private-app-access-token        shppa_[a-fA-F0-9]{32}
shopify-shared-secret                   shpss_[a-fA-F0-9]{32}
slack-app-token                         xapp-\d-[A-Z0-9]{8,11}-\d{12,13}-[a-z0-9]{64}
slack-bot-token                         xoxb-\d{10,13}-\d{10,13}-[A-Za-z0-9]{24}
slack-config-access-token               xoxe\.xox[bp]-\d-[A-Z0-9]{163,166}
slack-config-refresh-token              xoxe-\d-[A-Z0-9]{146}
slack-legacy-bot-token                  xoxb-\d{8,14}-[A-Za-z0-9]{18,26}
slack-legacy-token                      xox[os]-\d{9,12}-\d{9,12}-\d{9,12}-[a-f0-9]{10,20}
slack-legacy-workspace-token            xox[ar]-(?:\d-)?[0-9A-Za-z]{8,48}
slack-user-token                        xox[pe](?:-\d{10,13}){3}-[A-Za-z0-9-]{28,34}
slack-webhook-url                       hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,56}
sourcegraph-access-token                sgp_(?:(?:[a-fA-F0-9]{16}|local)_)?[a-fA-F0-9]{40}
square-access-token                     (?:EAAA|sq0atp-)[\w-]{22,60}
stripe-access-token                     [sr]k_(?:test|live|prod)_[A-Za-z0-9]{10,99}
twilio-api-key                          SK[0-9a-fA-F]{32}
vault-service-token                     hvs\.[\w-]{90,120}|s\.[A-Za-z0-9]{24}
""".strip().splitlines()
)
