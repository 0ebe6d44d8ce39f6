"""The vault on The Littlest JupyterHub: put this into /opt/tljh/config/jupyterhub_config.d/, then `tljh-config reload`.

Users' servers run there under users of their own (jupyter-NAME), so the vault is a wall between them. Before that:
`sudo /opt/tljh/hub/bin/python3 -m pip install jupyter_securecollab`, the same with /opt/tljh/user, the user and
folder of docs/operate/jupyterhub.md, and securecollab_config.py in /etc/jupyterhub/.
"""

load_subconfig("/etc/jupyterhub/securecollab_config.py")  # noqa: F821 - JupyterHub's
