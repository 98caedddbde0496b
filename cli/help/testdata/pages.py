"""Prints the help pages of AWS's CLI for the argument lists that it reads from standard input, as JSON.

Its model of App Runner is the one at the path that is given, with a word of prose for each member: a page without prose
is laid out by accident. The directory that is given too is for what it has to write.
"""
import json
import os
import re
import sys


def write_model(path, directory):
    with open(path) as f:
        model = json.load(f)
    for name, o in model['operations'].items():
        o.update(name=name, http={'method': 'POST', 'requestUri': '/'}, documentation='<p>Prose.</p>', errors=[],
                 input={'shape': o['input']}, output={'shape': o['output']})
    for shape in model['shapes'].values():
        for member in shape.get('members', {}).values():
            member['documentation'] = '<p>Prose.</p>'
    model['version'] = '2.0'
    to = os.path.join(directory, 'apprunner', '2020-05-15')
    os.makedirs(to)
    with open(os.path.join(to, 'service-2.json'), 'w') as f:
        json.dump(model, f)


def main(model, directory):
    write_model(model, directory)
    os.environ.update(AWS_DATA_PATH=directory, HOME=directory, AWS_EC2_METADATA_DISABLED='true')
    from awscli import help
    from awscli.clidriver import create_clidriver
    pages, page = {}, []
    help.PosixHelpRenderer._send_output_to_pager = lambda self, output: page.append(output.decode())
    driver = create_clidriver()
    for args in json.load(sys.stdin):
        page.clear()
        driver.main(args.split())
        pages[args] = re.sub('.\x08', '', page[0])
    json.dump(pages, sys.stdout)


main(*sys.argv[1:])
